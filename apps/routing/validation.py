"""Checks of a draft before it is published: conditions, targets, aliases, prompts."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import RouterError
from apps.prompts.problems import describe
from apps.prompts.snapshot import load_prompts
from apps.prompts.template_grammar import TemplateProblem
from apps.providers.snapshot import deployments_without_price
from apps.routing.engine.compile import ConditionFault, compile_condition
from apps.routing.types import Problem

FAULTS = {
    "group_shape": gettext_lazy("a group holds one of all, any, none with a list"),
    "group_kind": gettext_lazy("“%(word)s” is not all, any or none"),
    "too_deep": gettext_lazy("groups are nested deeper than %(word)s"),
    "unknown_field": gettext_lazy("there is no field “%(word)s”"),
    "unknown_operator": gettext_lazy("the operator “%(word)s” does not fit this field"),
    "value_shape": gettext_lazy("give a value: a text, a number or a list of them"),
    "number_count": gettext_lazy("give %(word)s number(s)"),
    "not_a_number": gettext_lazy("the value is not a number"),
}


def describe_fault(fault: ConditionFault) -> str:
    """Return one sentence that names the place in the condition and the way out."""
    what = FAULTS[fault.code] % {"word": fault.word}
    return f"{fault.path}: {what}" if fault.path else str(what)


def find_problems(records: dict[str, Any], tenant_id: UUID | None) -> list[Problem]:
    """Return what is wrong or odd with the records of a draft."""
    problems = find_faults(records)
    for rule in records["rules"]:
        problems.extend(_rule_problems(rule, records))
    if tenant_id is not None:
        problems.extend(_alias_problems(records))
    problems.extend(_price_problems(tenant_id))
    return problems


def find_faults(records: dict[str, Any]) -> list[Problem]:
    """Return what no worker could run: conditions and prompts that do not compile."""
    return [*_condition_faults(records), *_prompt_faults(records)]


def _condition_faults(records: dict[str, Any]) -> Iterator[Problem]:
    for rule in records["rules"]:
        try:
            compile_condition(rule["condition"])
        except ConditionFault as fault:
            yield Problem("error", rule["name"], "conditions", describe_fault(fault))


def _rule_problems(rule: dict[str, Any], records: dict[str, Any]) -> Iterator[Problem]:
    name = rule["name"]
    if rule["action"] == "reject" and not rule["reject_message"]:
        text = _("Tell the caller why the request is rejected.")
        yield Problem("error", name, "reject_message", text)
    if rule["action"] == "route" and not _has_effect(rule):
        text = _("The rule changes nothing: add a target, a prompt, a cap or a cache time.")
        yield Problem("warning", name, "targets", text)
    template = rule["prompt_template"]
    if template and template not in records.get("prompts", {}):
        text = _("The prompt template “%(name)s” has no live version.") % {"name": template}
        yield Problem("error", name, "prompt_template", text)
    yield from _target_problems(name, rule["targets"], records)


def _has_effect(rule: dict[str, Any]) -> bool:
    effects = ("targets", "prompt_template", "max_output_tokens", "cache_seconds")
    return any(rule[effect] for effect in effects)


def _target_problems(
    subject: str, targets: list[str], records: dict[str, Any]
) -> Iterator[Problem]:
    if "granted" not in records:
        return
    usable = {*records["granted"], *(item["model"] for item in records["deployments"])}
    for target in targets:
        if target not in usable:
            text = _("The tenant has no grant and no deployment of “%(model)s”.")
            yield Problem("error", subject, "targets", text % {"model": target})


def _alias_problems(records: dict[str, Any]) -> Iterator[Problem]:
    for name, targets in records["aliases"].items():
        if not targets:
            yield Problem("error", name, "targets", _("The alias has no model behind it."))
        yield from _target_problems(name, targets, records)


def _price_problems(tenant_id: UUID | None) -> Iterator[Problem]:
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
