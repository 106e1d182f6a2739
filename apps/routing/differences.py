"""What a publish would change: the draft's records against those of the live release."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.routing.rule_records import modern_rule
from apps.routing.wording import describe_condition, describe_targets

KINDS = {
    "aliases": gettext_lazy("Model alias"),
    "calendars": gettext_lazy("Holiday calendar"),
    "models": gettext_lazy("LLM model"),
    "prices": gettext_lazy("Price"),
    "prompts": gettext_lazy("Prompt template"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a publish adds, changes or removes."""

    verb: Literal["added", "changed", "removed", "moved"]
    kind: str
    name: str
    detail: str = ""


def find_differences(live: Mapping[str, Any], draft: Mapping[str, Any]) -> list[Difference]:
    """Compare two sets of records; an empty `live` means nothing was published yet."""
    found = [*_rules(live.get("rules", []), draft["rules"])]
    found += _named(_("Deployment"), _by_name(live, "deployments"), _by_name(draft, "deployments"))
    for field, kind in KINDS.items():
        if field in draft:
            found += _named(str(kind), live.get(field, {}), draft[field])
    if "granted" in draft:
        before = dict.fromkeys(live.get("granted", []), 1)
        found += _named(_("Model grant"), before, dict.fromkeys(draft["granted"], 1))
    return found


def _rules(live: list[Any], draft: list[Any]) -> Iterator[Difference]:
    before = {rule["id"]: modern_rule(rule) for rule in live}
    after = {rule["id"]: modern_rule(rule) for rule in draft}
    kind = _("Rule")
    for id_, rule in after.items():
        if id_ not in before:
            yield Difference("added", kind, rule["name"])
        elif before[id_] != rule:
            yield Difference("changed", kind, rule["name"], _changed_fields(before[id_], rule))
    for id_, rule in before.items():
        if id_ not in after:
            yield Difference("removed", kind, rule["name"])
    kept_before = [id_ for id_ in before if id_ in after]
    kept_after = [id_ for id_ in after if id_ in before]
    if kept_before != kept_after:
        order = " → ".join(rule["name"] for rule in draft)
        yield Difference("moved", kind, _("order of the rules"), order)


def _changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}: {_shown(name, before.get(name))} → {_shown(name, value)}"
        for name, value in after.items()
        if before.get(name) != value
    )


def _shown(name: str, value: Any) -> str:
    if name == "condition":
        return describe_condition(value)
    if name in ("targets", "arms"):
        return describe_targets(value) or "—"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "—"
    return "—" if value in (None, "", {}) else str(value)


def _named(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name, record in after.items():
        if name not in before:
            yield Difference("added", kind, name)
        elif before[name] != record:
            yield Difference("changed", kind, name)
    for name in before:
        if name not in after:
            yield Difference("removed", kind, name)


def _by_name(records: Mapping[str, Any], field: str) -> dict[str, Any]:
    return {record["name"]: record for record in records.get(field, [])}
