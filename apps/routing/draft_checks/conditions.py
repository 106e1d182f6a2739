"""Conditions that no worker could run, or that can never hold, told in words."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.routing.engine.compile_conditions import Calendars, ConditionFault, compile_condition
from apps.routing.engine.conditions import clauses_of
from apps.routing.engine.fields import HEADER, field_named
from apps.routing.engine.types import Clause, Group
from apps.routing.headers import routable_headers
from apps.routing.message_search import pattern_fault

FAULTS = {
    "group_shape": gettext_lazy("a group holds one of all, any, none with a list"),
    "group_kind": gettext_lazy("“%(word)s” is not all, any or none"),
    "too_deep": gettext_lazy("groups are nested deeper than %(word)s; make it flatter"),
    "too_many_clauses": gettext_lazy("more than %(word)s clauses; split the rule in two"),
    "unknown_field": gettext_lazy("there is no field “%(word)s”"),
    "unknown_operator": gettext_lazy("the operator “%(word)s” does not fit this field"),
    "unknown_choice": gettext_lazy("“%(word)s” is none of the values of this field"),
    "unknown_calendar": gettext_lazy("there is no holiday calendar “%(word)s”; add it first"),
    "value_shape": gettext_lazy("give a value: a text, a number or a list of them"),
    "value_count": gettext_lazy("give %(word)s value(s)"),
    "too_many_values": gettext_lazy("more than %(word)s values; use a tag instead"),
    "not_a_text": gettext_lazy("“%(word)s” is not a text; put it in quotes"),
    "not_a_number": gettext_lazy("the value is not a number"),
    "not_a_time": gettext_lazy("“%(word)s” is not a time; write it as 18:30"),
    "not_a_date": gettext_lazy("“%(word)s” is not a date; write it as 2026-12-31"),
    "not_a_flag": gettext_lazy("the value is yes or no (true or false)"),
    "not_a_percentage": gettext_lazy("give a percentage above 0 and up to 100"),
    "range_order": gettext_lazy("the range can never hold: give the smaller value first"),
    "bad_pattern": gettext_lazy("the pattern is not valid (RE2): %(word)s"),
    "unroutable_header": gettext_lazy("rules may not read this header; they may read: %(word)s"),
    "never_holds": gettext_lazy("no request can meet this: %(word)s"),
}
# Of each comparison: whether it bounds from below, and whether the bound itself belongs to it.
BOUNDS = {
    "at_least": (True, 0.0),
    "more_than": (True, 1.0),
    "at_most": (False, 0.0),
    "less_than": (False, 1.0),
}


def describe_fault(fault: ConditionFault) -> str:
    """Return one sentence that names the place in the condition and the way out."""
    what = FAULTS[fault.code] % {"word": fault.word}
    return f"{fault.path}: {what}" if fault.path else str(what)


def check_condition(tree: Any, calendars: Calendars | None = None) -> Group:
    """Return the compiled tree; raises ConditionFault for what the engine or a library refuses."""
    group = compile_condition(tree, calendars=calendars).tree
    for path, clause in _places(group, ""):
        _check_pattern(clause, path)
        _check_header(clause, path)
    _check_possible(group, "")
    return group


def always_holds(tree: Mapping[str, Any]) -> bool:
    """Tell whether a condition says nothing."""
    return not tree or not any(clauses_of(compile_condition(tree).tree))


def _places(group: Group, path: str) -> Iterator[tuple[str, Clause]]:
    for index, member in enumerate(group.members):
        here = ".".join(filter(None, (path, group.kind, str(index))))
        if isinstance(member, Clause):
            yield here, member
        else:
            yield from _places(member, here)


def _check_pattern(clause: Clause, path: str) -> None:
    if (clause.field, clause.operator) != ("message_text", "matches"):
        return
    for text in clause.value if isinstance(clause.value, tuple) else (clause.value,):
        if fault := pattern_fault(str(text)):
            raise ConditionFault("bad_pattern", f"{path}.value", fault)


def _check_header(clause: Clause, path: str) -> None:
    if not clause.field.startswith(HEADER):
        return
    allowed = routable_headers()
    if clause.field.removeprefix(HEADER).lower() not in allowed:
        raise ConditionFault("unroutable_header", f"{path}.field", ", ".join(allowed))


def _check_possible(group: Group, path: str) -> None:
    """Refuse what every request must fail: an empty `any`, bounds that exclude each other."""
    here = ".".join(filter(None, (path, group.kind)))
    if group.kind == "any" and not group.members:
        raise ConditionFault("never_holds", here, _("the group is empty"))
    if group.kind != "all":
        return
    lowest: dict[str, tuple[float, float]] = {}
    highest: dict[str, tuple[float, float]] = {}
    for index, member in enumerate(group.members):
        if isinstance(member, Group):
            _check_possible(member, f"{here}.{index}")
            continue
        for is_lower, bound in _bounds(member):
            if is_lower:
                lowest[member.field] = max(bound, lowest.get(member.field, bound))
            else:
                highest[member.field] = min(bound, highest.get(member.field, bound))
        if lowest.get(member.field, (-math.inf, 0)) > highest.get(member.field, (math.inf, 0)):
            raise ConditionFault("never_holds", f"{here}.{index}", member.field)


def _bounds(clause: Clause) -> Iterator[tuple[bool, tuple[float, float]]]:
    """Yield what a number must be: whether from below, and the bound, an open one next to it."""
    field = field_named(clause.field)
    if field is None or field.kind != "number":
        return
    value: Any = clause.value
    if clause.operator == "between":
        yield True, (value[0], 0.0)
        yield False, (value[1], 0.0)
        return
    is_lower, openness = BOUNDS[clause.operator]
    yield is_lower, (value, openness if is_lower else -openness)
