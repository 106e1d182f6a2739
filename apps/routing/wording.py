"""Condition trees and targets in plain words, in the language of the page."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.routing.engine.compile_conditions import ConditionFault, compile_condition
from apps.routing.engine.explain import word
from apps.routing.vocabulary import field_word, operator_word, value_word

NEEDS_EVERY_VALUE = frozenset({"has_all", "between", "not_between"})


def describe_condition(tree: Mapping[str, Any]) -> str:
    """Return a sentence such as “requested model must be gpt-4o and prompt tokens …”.

    A tree that does not compile is shown as it is, beside the problem that says so.
    """
    try:
        compile_condition(tree)
    except ConditionFault:
        return json.dumps(tree, ensure_ascii=False)
    return _group(tree) if tree else _("every request")


def describe_targets(items: Iterable[Mapping[str, Any]]) -> str:
    """Return targets or arms with the weights that say something: “a, b” or “new 10 %: b”."""
    return ", ".join(_target(item) for item in items)


def _target(item: Mapping[str, Any]) -> str:
    if "targets" in item:
        return f"{item['name']} {item['weight']} %: {' → '.join(item['targets'])}"
    weight = item.get("weight", 1)
    return str(item["model"]) if weight == 1 else f"{item['model']} ×{weight}"


def _group(tree: Mapping[str, Any]) -> str:
    kind, members = next(iter(tree.items()))
    told = [_member(member) for member in members]
    if not told:
        return _("no request") if kind == "any" else _("every request")
    if kind == "none":
        return _("none of: %(list)s") % {"list": "; ".join(told)}
    joint = _("and") if kind == "all" else _("or")
    return f" {joint} ".join(told)


def _member(member: Mapping[str, Any]) -> str:
    if "field" not in member:
        return f"({_group(member)})"
    field, operator, value = str(member["field"]), str(member["operator"]), member.get("value")
    values = value if isinstance(value, list) else [value]
    joint = _("and") if operator in NEEDS_EVERY_VALUE else _("or")
    shown = f" {joint} ".join(value_word(field, item) for item in values)
    return f"{_word(field, field_word)} {_word(operator, operator_word)} {shown}"


def _word(name: str, fallback: Callable[[str], str]) -> str:
    """Return the engine's word, so that a page and a trace say the same; else the form's."""
    told = word(name, get_language() or "")
    return fallback(name) if told == name else told
