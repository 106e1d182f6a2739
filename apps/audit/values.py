"""What the trail may hold: values made safe for JSON, cut to size, secrets taken out."""

import re
from collections.abc import Mapping
from typing import Any

LONGEST_TEXT = 2_000
MOST_ITEMS = 200
DEEPEST = 8
HIDDEN = "(hidden)"
SECRET_WORDS = frozenset(
    {"secret", "password", "passphrase", "ciphertext", "digest", "token", "pepper"}
)
# PostgreSQL's jsonb has no NUL, and UTF-8 has no lone surrogates.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

type Json = str | int | bool | list["Json"] | dict[str, "Json"] | None


def names_secret(name: str) -> bool:
    """Tell whether a field of this name holds something that nobody may read later."""
    return not SECRET_WORDS.isdisjoint(re.split(r"[^a-z]+", name.lower()))


def safe_changes(changes: Mapping[str, Any]) -> dict[str, Json]:
    """Return a copy that JSON and the data base give back unchanged, without secrets."""
    return dict(_safe_items(changes, DEEPEST))


def cut(text: str, length: int) -> str:
    """Return text that fits a column, with an ellipsis where it was cut."""
    clean = UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return clean if len(clean) <= length else clean[: length - 1] + "…"


def _safe_items(values: Mapping[Any, Any], depth: int) -> list[tuple[str, Json]]:
    items = list(values.items())[:MOST_ITEMS]
    return [
        (cut(str(name), 100), HIDDEN if names_secret(str(name)) else _safe(value, depth))
        for name, value in items
    ]


def _safe(value: Any, depth: int) -> Json:
    if value is None or isinstance(value, bool | int):
        return value
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return dict(_safe_items(value, depth - 1))
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(item, depth - 1) for item in list(value)[:MOST_ITEMS]]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"({len(value)} bytes)"
    # Floats too: jsonb writes 1e22 back as an integer, and the digest would no longer agree.
    return cut(str(value) if not isinstance(value, float) else repr(value), LONGEST_TEXT)
