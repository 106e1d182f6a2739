"""The checks that providers make of a body, in words that every vendor's checks share."""

import re
from collections.abc import Iterable
from typing import Any

from apps.providers.wire_servers.exchange import Json, Refusal

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
CHARACTERS_PER_TOKEN = 4


def demand(holds: object, message: str, *, code: str = "", param: str | None = None) -> None:
    """Refuse with status 400 unless the claim holds."""
    if not holds:
        raise Refusal(400, message, code=code, param=param)


def unknown_keys(body: Json, known: Iterable[str]) -> list[str]:
    """Name the keys that the provider does not know."""
    return sorted(body.keys() - set(known))


def is_objects(value: Any) -> bool:
    """Tell whether this is a list that holds objects only, and at least one."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def is_whole(value: Any, *, least: int) -> bool:
    """Tell whether this is a whole number that is not too small."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_within(value: Any, most: float) -> bool:
    """Tell whether this is absent or a number from 0 on that is not too large."""
    return value is None or (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most
    )


def parts_of(content: Any) -> list[Json]:
    """Return content as a list of parts; a plain text is one text part."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [part for part in content if isinstance(part, dict)] if content else []


def counted(*subjects: Any) -> int:
    """Estimate tokens by length: more text never counts less."""
    return 1 + sum(len(str(subject)) for subject in subjects if subject) // CHARACTERS_PER_TOKEN


def vector_of(text: str, dimensions: int) -> list[float]:
    """Return an embedding: the same for the same text, different for another."""
    seed = sum(text.encode()) % 997 + 1
    return [((seed * (at + 1)) % 2003) / 4096 for at in range(dimensions)]
