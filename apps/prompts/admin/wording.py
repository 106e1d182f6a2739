"""Roles, types and values as the pages of prompts show them, in the language of the page."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from apps.core.chat import Message
from apps.prompts.typed_values import to_text

ROLE_NAMES = {"system": _("System"), "user": _("User"), "assistant": _("Assistant")}
ROLES = (
    ("system", _("System: how the model should behave")),
    ("user", _("User: what is asked")),
    ("assistant", _("Assistant: an example answer")),
)
TYPES = (
    ("text", _("Text")),
    ("number", _("Number")),
    ("boolean", _("Yes or no")),
    ("list", _("List")),
)
SAMPLES = {"number": "1", "boolean": _("yes"), "list": _("one, two")}


def shown_value(value: Any) -> str:
    """Return a value as people type it; `typed_values.to_value` reads it back."""
    if isinstance(value, bool):
        return now("yes") if value else now("no")
    return to_text(value)


def sample_of(kind: str, name: str) -> str:
    """Return something to try a variable with, as text."""
    return str(SAMPLES.get(kind, f"[{name}]"))


def shown_records(records: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return stored messages as who speaks and what is said."""
    return [{"speaker": _speaker(row["role"]), "text": row["text"]} for row in records]


def shown_messages(messages: Iterable[Message]) -> list[dict[str, str]]:
    """Return rendered messages as who speaks and what is said."""
    return [{"speaker": _speaker(row.role), "text": row.text} for row in messages]


def shown_variables(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return stored declarations with their types in words."""
    names = dict(TYPES)
    return [{**row, "type_name": str(names[row["type"]])} for row in records]


def _speaker(role: str) -> str:
    return str(ROLE_NAMES[role])
