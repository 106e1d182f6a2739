"""Condition trees in plain words, in the language of the page."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.routing.engine.explain import WORDS


def describe_condition(tree: Mapping[str, Any]) -> str:
    """Return a sentence such as “requested model must be gpt-4o and prompt tokens …”."""
    if not tree:
        return _("every request")
    return _group(tree)


def _group(tree: Mapping[str, Any]) -> str:
    kind, members = next(iter(tree.items()))
    told = [_member(member) for member in members]
    if kind == "none":
        return _("none of: %(list)s") % {"list": "; ".join(told)}
    joint = _("and") if kind == "all" else _("or")
    return f" {joint} ".join(told)


def _member(member: Mapping[str, Any]) -> str:
    if "field" not in member:
        return f"({_group(member)})"
    value = member.get("value")
    values = value if isinstance(value, list) else [value]
    shown = f" {_('or')} ".join(str(item) for item in values)
    return f"{_word(str(member['field']))} {_word(str(member['operator']))} {shown}"


def _word(name: str) -> str:
    english, portuguese = WORDS.get(name, (name, name))
    return portuguese if (get_language() or "").startswith("pt") else english
