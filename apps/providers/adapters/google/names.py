"""Names of functions in Gemini's letters, and back."""

import hashlib
import re
from collections.abc import Iterator, Mapping

from apps.core.chat import ChatDetails, ToolCall

LEGAL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
ILLEGAL = re.compile(r"[^a-zA-Z0-9_.:-]")
DIGEST_CHARACTERS = 12
KEPT_CHARACTERS = 50


def legal_name(name: str) -> str:
    """Return the name as the provider takes it: the same for the same name, never for two."""
    if LEGAL_NAME.fullmatch(name):
        return name
    # The digest keeps two names apart that differ in illegal letters or in their ends only.
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:DIGEST_CHARACTERS]
    return f"_{ILLEGAL.sub('_', name)[:KEPT_CHARACTERS]}_{digest}"


def callers_names(details: ChatDetails) -> Mapping[str, str]:
    """Return the caller's names by those that go out, where the two differ."""
    found = {legal_name(name): name for name in _names(details)}
    return {legal: name for legal, name in found.items() if legal != name}


def _names(details: ChatDetails) -> Iterator[str]:
    yield from (tool.name for tool in details.tools)
    for turn in details.turns:
        yield from (part.name for part in turn.parts if isinstance(part, ToolCall))
