"""What rules do to one another: two defaults of one scope, rules that are never reached."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.routing.draft_checks.conditions import always_holds

type Rule = Mapping[str, Any]


def second_defaults(rules: Iterable[Rule]) -> Iterator[tuple[Rule, str]]:
    """Yield each pinned default after the first of its scope, and what to do."""
    seen: dict[tuple[Any, ...], str] = {}
    for rule in rules:
        if not rule["is_default"]:
            continue
        place = _place(rule)
        if place in seen:
            text = _("“%(name)s” is the pinned default here already: unpin one of the two.")
            yield rule, text % {"name": seen[place]}
        seen.setdefault(place, rule["name"])


def unreachable(rules: Iterable[Rule]) -> Iterator[tuple[Rule, str]]:
    """Yield each rule that an earlier one hides, and that one's name. Conditions must compile."""
    walls: dict[tuple[Any, ...], str] = {}
    for rule in rules:
        if rule["is_default"]:
            continue
        place = _place(rule)
        if place in walls:
            yield rule, walls[place]
        elif _is_wall(rule):
            walls[place] = rule["name"]


def _is_wall(rule: Rule) -> bool:
    is_always_active = rule["active_from_ms"] is None and rule["active_until_ms"] is None
    return is_always_active and rule["action"] != "continue" and always_holds(rule["condition"])


def _place(rule: Rule) -> tuple[Any, ...]:
    return rule["scope"], rule["project"], rule["key"], rule["is_locked"]
