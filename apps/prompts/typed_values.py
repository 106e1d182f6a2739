"""Values of variables as people type them into one line, and back. Pure."""

import json
from collections.abc import Callable
from typing import Any

YES = frozenset({"yes", "true", "1", "on", "sim"})
NO = frozenset({"no", "false", "0", "off", "não", "nao"})


class NotReadable(ValueError):
    """The text is no value of the type."""


def to_value(kind: str, text: str) -> Any:
    """Read a text as a value of a type; an empty one is None. Raises NotReadable."""
    stripped = text.strip()
    if not stripped:
        return None
    return _READERS[kind](stripped)


def to_text(value: Any) -> str:
    """Return what `to_value` reads back."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        is_plain = all(isinstance(item, str) and "," not in item for item in value)
        return ", ".join(value) if is_plain else json.dumps(value, ensure_ascii=False)
    return str(value)


def _number(text: str) -> int | float:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError as error:
        raise NotReadable(text) from error


def _boolean(text: str) -> bool:
    if text.lower() not in YES | NO:
        raise NotReadable(text)
    return text.lower() in YES


def _list(text: str) -> list[Any]:
    if not text.startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    try:
        items = json.loads(text)
    except ValueError as error:
        raise NotReadable(text) from error
    if not isinstance(items, list):
        raise NotReadable(text)
    return items


_READERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "number": _number,
    "boolean": _boolean,
    "list": _list,
}
