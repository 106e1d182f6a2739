"""What a browser sends and gets on the pages of rules."""

from typing import Any

from django.test import Client

from apps.core.scoping import all_tenants
from apps.providers.models import LlmModel
from apps.routing.models import Rule

BASE = "/admin/routing"
RULES = f"{BASE}/rule/"


def inline(prefix: str, *rows: dict[str, Any], stored: int = 0) -> dict[str, Any]:
    """Return the fields of an inline's rows as a browser sends them."""
    data = {
        f"{prefix}-TOTAL_FORMS": len(rows),
        f"{prefix}-INITIAL_FORMS": stored,
        f"{prefix}-MIN_NUM_FORMS": 0,
        f"{prefix}-MAX_NUM_FORMS": 1000,
    }
    cells = ((f"{prefix}-{i}-{name}", v) for i, row in enumerate(rows) for name, v in row.items())
    return {**data, **dict(cells)}


def rule_form(rule_set: Any, *targets: str, **fields: Any) -> dict[str, Any]:
    """Return a rule's form with targets from top to bottom."""
    ids = dict(LlmModel.objects.filter(name__in=targets).values_list("name", "id"))
    rows = [{"llm_model": ids[name], "weight": 1, "position": i} for i, name in enumerate(targets)]
    values = {
        "rule_set": rule_set.pk,
        "name": "VIP",
        "description": "",
        "is_enabled": "on",
        "position": 0,
        "action": "route",
        "reject_message": "",
        "cache_seconds": 0,
        "conditions": "",
        "strategy": "priority",
        "price_weight": 50,
        "unit": "request",
    }
    return {**values, **inline("targets", *rows), **fields}


def change(rule: Rule) -> str:
    return f"{RULES}{rule.pk}/change/"


def stored(rule: Rule) -> Rule:
    with all_tenants("tests"):
        found: Rule = Rule.objects.get(pk=rule.pk)
    return found


def only_rule() -> Rule:
    with all_tenants("tests"):
        found: Rule = Rule.objects.get()
    return found


def saved(client: Client, path: str, data: dict[str, Any]) -> None:
    """Post a form; what the form refuses is shown."""
    answer = client.post(path, data)
    if answer.status_code != 302:
        forms = [answer.context["adminform"].form, *answer.context["inline_admin_formsets"]]
        raise AssertionError([getattr(form, "errors", None) or form for form in forms])


def errors_of(client: Client, path: str, data: dict[str, Any]) -> dict[str, list[str]]:
    answer = client.post(path, data)
    assert answer.status_code == 200
    errors: dict[str, list[str]] = answer.context["adminform"].form.errors
    return errors
