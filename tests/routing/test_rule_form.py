"""The rule form: each section is saved, faults stand at their fields, the builder is fed."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.audit.models import AuditEntry
from apps.core.scoping import tenant_scope
from tests.factories.keys import make_key
from tests.factories.people import make_member, make_user
from tests.factories.routing import (
    Site,
    clause,
    make_calendar,
    make_rule,
    make_rule_set,
    make_site,
)
from tests.routing.rule_pages import (
    RULES,
    change,
    errors_of,
    only_rule,
    rule_form,
    saved,
    stored,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def editor(client: Client, site: Site) -> Client:
    client.force_login(make_member(site.tenant, Role.RULE_EDITOR))
    return client


@pytest.fixture
def staff(client: Client, site: Site) -> Client:
    client.force_login(make_user(is_superuser=True))
    return client


def test_form__every_section__is_saved(editor: Client, site: Site) -> None:
    tree = {"any": [clause("tag", "has", ["vip"]), {"none": [clause("door", "is", "chat")]}]}
    data = rule_form(
        make_rule_set(site.tenant),
        "sim-large",
        "sim-small",
        conditions=json.dumps(tree),
        active_from_0="2026-12-01",
        active_from_1="00:00",
        active_until_0="2026-12-24",
        active_until_1="12:00",
        strategy="weighted",
        price_weight=80,
        affinity="prefix",
        add_tags="gold, new",
        regions="br, eu",
        data_class="personal",
        price_cap="5.5",
        latency_cap_ms=900,
        allow_unknown="on",
        first_token_timeout_ms=4_000,
        total_timeout_ms=30_000,
        max_attempts=2,
        on_content_filter="next",
        on_unsupported="refuse",
        temperature="0.5",
        reasoning_effort="low",
        seed="7",
        arms="new 10: sim-long, sim-small\nold model 20 %: sim-small",
        unit="user",
    )
    data["targets-0-weight"] = 3
    saved(editor, f"{RULES}add/", data)
    rule = only_rule()
    assert (rule.tenant_id, rule.conditions) == (site.tenant_id, tree)
    assert (rule.add_tags, rule.regions, rule.price_cap) == (
        ["gold", "new"],
        ["br", "eu"],
        5_500_000,
    )
    assert rule.parameters == {"temperature": 0.5, "reasoning_effort": "low", "seed": 7}
    assert rule.arms == [
        {"name": "new", "weight": 10, "targets": ["sim-long", "sim-small"]},
        {"name": "old model", "weight": 20, "targets": ["sim-small"]},
    ]
    with tenant_scope(site.tenant_id):
        rows = rule.targets.order_by("position").values_list("llm_model__name", "weight")
        assert list(rows) == [("sim-large", 3), ("sim-small", 1)]
        assert {target.tenant_id for target in rule.targets.all()} == {site.tenant_id}
        actions = AuditEntry.objects.values_list("action", flat=True)
        assert {"routing.rule_created", "routing.ruletarget_created"} <= set(actions)


def test_form__nothing_filled_in__matches_every_request(editor: Client, site: Site) -> None:
    saved(editor, f"{RULES}add/", rule_form(make_rule_set(site.tenant), "sim-small"))
    rule = only_rule()
    assert (rule.conditions, rule.parameters, rule.arms, rule.price_cap) == ({}, {}, [], None)


def test_form__stored_rule__is_shown_and_saved_unchanged(editor: Client, site: Site) -> None:
    tree = {
        "all": [
            clause("requested_model", "is", ["a,b", " c "]),
            {"any": [clause("user", "is", "u")]},
        ]
    }
    values: dict[str, Any] = {
        "conditions": tree,
        "parameters": {"temperature": 0, "seed": 3},
        "arms": [{"name": "a", "weight": 5, "targets": ["sim-long"]}],
        "price_cap": 2_000_000,
        "add_tags": ["x", "y"],
    }
    rule = make_rule(site.tenant, targets=[], **values)
    form = editor.get(change(rule)).context["adminform"].form
    names = ("conditions", "temperature", "seed", "arms", "price_cap", "add_tags")
    shown = {name: form[name].value() for name in names}
    assert json.loads(shown["conditions"]) == tree
    assert (shown["arms"], shown["add_tags"]) == ("a 5: sim-long", "x, y")
    saved(editor, change(rule), rule_form(rule.rule_set, **shown, name=rule.name))
    after = stored(rule)
    assert {name: getattr(after, name) for name in values} == values


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"conditions": '{"all": [{"field": "mood"}]}'}, "conditions", "all.0.field: there is no"),
        ({"conditions": "{"}, "conditions", "valid JSON"),
        ({"action": "reject"}, "reject_message", "Tell the caller why"),
        ({"is_default": "on", "conditions": '{"none": []}'}, "is_default", "has no condition"),
        ({"arms": "new: sim-small"}, "arms", "“new: sim-small” is no arm"),
        ({"arms": "new 10:"}, "arms", "has no model"),
        ({"arms": "a 60: sim-small\nb 60: sim-small"}, "arms", "more than 100 percent"),
        ({"temperature": "3"}, "temperature", "less than or equal to 2"),
        ({"add_tags": "a b"}, "add_tags", "“a b” is no tag"),
        ({"price_cap": "0"}, "price_cap", "above 0"),
        ({"max_attempts": "9"}, "max_attempts", "Give 1 to 5 attempts"),
        (
            {"first_token_timeout_ms": "9", "total_timeout_ms": "8"},
            "first_token_timeout_ms",
            "longer than the wait for the whole answer",
        ),
        (
            {
                "active_from_0": "2026-12-02",
                "active_from_1": "00:00",
                "active_until_0": "2026-12-01",
                "active_until_1": "00:00",
            },
            "active_until",
            "after its start",
        ),
    ],
)
def test_form__fault__is_told_at_its_field(
    editor: Client, site: Site, fields: dict[str, str], field: str, words: str
) -> None:
    errors = errors_of(editor, f"{RULES}add/", rule_form(make_rule_set(site.tenant), **fields))
    assert set(errors) == {field}
    assert words in errors[field][0]


def test_form__second_default_of_a_rule_set__is_refused(editor: Client, site: Site) -> None:
    first = make_rule(site.tenant, name="First", is_default=True)
    data = rule_form(first.rule_set, is_default="on")
    (told,) = errors_of(editor, f"{RULES}add/", data)["__all__"]
    assert told == "The rule set has a pinned default already."


def test_form__rule_set_of_another_owner__is_refused(editor: Client, site: Site) -> None:
    for owner in (make_site("boa-vista").tenant, None):
        data = rule_form(make_rule_set(owner), "sim-small")
        assert set(errors_of(editor, f"{RULES}add/", data)) == {"rule_set"}


def schema_of(client: Client) -> dict[str, Any]:
    """Return what the page offers to the condition builder, by name of the field."""
    page = client.get(f"{RULES}add/").content.decode()
    found = re.search(r'data-condition-builder="([^"]*)"', page)
    assert found is not None
    schema = json.loads(unescape(found[1]))
    return {field["name"]: field for field in schema["fields"]}


def test_builder__of_a_tenant__offers_its_own_rows_and_no_tenants(
    editor: Client, site: Site
) -> None:
    make_site("boa-vista")
    key = make_key(site.project, name="Chat").row
    make_calendar(site.tenant, "ours")
    make_calendar(None, "brazil")
    offered = schema_of(editor)
    choices = {
        name: [(item["value"], item["label"]) for item in offered[name]["choices"]]
        for name in ("project", "api_key", "holiday")
    }
    assert choices == {
        "project": [("support", "Support")],
        "api_key": [(str(key.pk), "Chat")],
        "holiday": [("brazil", "brazil"), ("ours", "ours")],
    }
    assert "tenant" not in offered


def test_builder__of_the_platform__offers_tenants(staff: Client, site: Site) -> None:
    choices = schema_of(staff)["tenant"]["choices"]
    assert choices == [{"value": "acme", "label": "Acme"}]
