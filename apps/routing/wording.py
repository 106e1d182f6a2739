"""Condition trees in plain words, in the language of the page."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.routing.engine.compile import ConditionFault, compile_condition
from apps.routing.engine.explain import WORDS

NEEDS_EVERY_VALUE = frozenset({"has_all", "between"})


def describe_condition(tree: Mapping[str, Any]) -> str:
    """Return a sentence such as “requested model must be gpt-4o and prompt tokens …”.

    A tree that does not compile is shown as it is, beside the problem that says so.
    """
    try:
        compile_condition(tree)
    except ConditionFault:
        return json.dumps(tree, ensure_ascii=False)
    return _group(tree) if tree else _("every request")


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
    value, operator = member.get("value"), str(member["operator"])
    values = value if isinstance(value, list) else [value]
    joint = _("and") if operator in NEEDS_EVERY_VALUE else _("or")
    shown = f" {joint} ".join(str(item) for item in values)
    return f"{_word(str(member['field']))} {_word(operator)} {shown}"


def _word(name: str) -> str:
    english, portuguese = WORDS.get(name, (name, name))
    return portuguese if (get_language() or "").startswith("pt") else english
