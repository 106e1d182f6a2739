"""Checks of a draft before it is published: what is wrong or odd, by rule and field."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import RouterError
from apps.prompts.problems import describe
from apps.prompts.snapshot import load_prompts
from apps.prompts.template_grammar import TemplateProblem
from apps.providers.snapshot import (
    catalogue_records,
    deployment_records,
    deployments_without_price,
)
from apps.routing.draft_checks.conditions import check_condition, describe_fault
from apps.routing.draft_checks.order import second_defaults, unreachable
from apps.routing.draft_checks.references import (
    Known,
    alias_faults,
    reference_faults,
    successor_faults,
    switched_off,
)
from apps.routing.draft_checks.settings import setting_faults
from apps.routing.engine.compile_conditions import ConditionFault
from apps.routing.models import Rule
from apps.routing.rule_records import modern_rule
from apps.routing.types import Problem

# Fields of records that are no columns of a rule.
LABELS = {
    "targets": gettext_lazy("targets"),
    "successor": gettext_lazy("successor"),
    "prices": gettext_lazy("prices"),
    "messages": gettext_lazy("messages"),
}
EFFECTS = (
    *("targets", "arms", "prompt_template", "max_output_tokens", "cache_seconds", "parameters"),
    *("add_tags", "regions", "data_class", "price_cap", "latency_cap_ms", "allow_unknown"),
    *("first_token_timeout_ms", "total_timeout_ms", "max_attempts", "on_content_filter"),
    "on_unsupported",
)


def find_problems(records: dict[str, Any], tenant_id: UUID | None) -> list[Problem]:
    """Return what is wrong or odd with the records of a draft; runs in the owner's scope."""
    known = _known(records, tenant_id)
    rules = [modern_rule(rule) for rule in records["rules"]]
    problems = find_faults(records)
    has_sound_conditions = not any(problem.field == "conditions" for problem in problems)
    for rule in rules:
        problems.extend(_rule_errors(rule, known))
        problems.extend(_rule_warnings(rule, known))
    for default, text in second_defaults(rules):
        problems.append(Problem("error", default["name"], "is_default", text))
    if has_sound_conditions:
        problems.extend(_hidden_rules(rules))
    problems.extend(_catalogue_problems(records, known, tenant_id))
    return problems


def find_faults(records: dict[str, Any]) -> list[Problem]:
    """Return what no worker could run: conditions and prompts that do not compile."""
    return [*_condition_faults(records), *_prompt_faults(records)]


def field_label(field: str) -> str:
    """Return the name of a problem's field as pages show it."""
    name = field.partition(".")[0]
    if name in LABELS:
        return str(LABELS[name])
    try:
        return str(getattr(Rule._meta.get_field(name), "verbose_name", name))
    except FieldDoesNotExist:
        return name


def _known(records: dict[str, Any], tenant_id: UUID | None) -> Known:
    own = tuple(records["deployments"])
    if tenant_id is None:
        return Known(records["models"], own)
    granted = frozenset(records["granted"])
    shared = (item for item in deployment_records(None) if item["model"] in granted)
    return Known(
        catalogue_records(), (*own, *shared), granted, frozenset(records.get("prompts", ()))
    )


def _condition_faults(records: dict[str, Any]) -> Iterator[Problem]:
    calendars = {name: tuple(days) for name, days in records.get("calendars", {}).items()}
    for rule in records["rules"]:
        try:
            check_condition(rule["condition"], calendars)
        except ConditionFault as fault:
            yield Problem("error", rule["name"], "conditions", describe_fault(fault))


def _rule_errors(rule: Mapping[str, Any], known: Known) -> Iterator[Problem]:
    for field, text in (*setting_faults(rule), *reference_faults(rule, known)):
        yield Problem("error", rule["name"], field, text)


def _rule_warnings(rule: Mapping[str, Any], known: Known) -> Iterator[Problem]:
    name = rule["name"]
    if rule["action"] != "reject" and not any(rule[effect] for effect in EFFECTS):
        text = _("The rule changes nothing: add a target, a prompt, a limit or a tag.")
        yield Problem("warning", name, "targets", text)
    for model in switched_off(rule, known):
        text = _("“%(model)s” is switched off at the moment, so the rule passes it over.")
        yield Problem("warning", name, "targets", text % {"model": model})


def _hidden_rules(rules: list[dict[str, Any]]) -> Iterator[Problem]:
    for rule, wall in unreachable(rules):
        text = _("No request comes this far: “%(name)s” before it applies to all of them.")
        yield Problem("warning", rule["name"], "conditions", text % {"name": wall})


def _catalogue_problems(
    records: dict[str, Any], known: Known, tenant_id: UUID | None
) -> Iterator[Problem]:
    if tenant_id is None:
        for model, text in successor_faults(records["models"]):
            yield Problem("error", model, "successor", text)
    else:
        for alias, field, text in alias_faults(records["aliases"], known):
            yield Problem("error", alias, field, text)
    for name in deployments_without_price(tenant_id):
        text = _("The deployment is left out: its model has no price.")
        yield Problem("warning", name, "prices", text)


def _prompt_faults(records: dict[str, Any]) -> Iterator[Problem]:
    for slug, record in records.get("prompts", {}).items():
        try:
            load_prompts({slug: record})
        except TemplateProblem as problem:
            yield Problem("error", slug, problem.param or "messages", describe(problem))
        except RouterError as error:
            yield Problem("error", slug, error.param or "messages", error.message)
