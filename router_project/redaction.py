"""Takes secrets out of log events: keys of ours, of the providers, and whole headers."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

REDACTED = "[redacted]"
SECRET_FIELDS = frozenset(
    {"authorization", "x-api-key", "x-goog-api-key", "api_key", "apikey", "cookie", "password"}
    | {"proxy-authorization", "set-cookie", "secret", "token", "access_token", "refresh_token"}
)
_SECRETS = re.compile(
    r"""
    (?P<ours>llmr_[A-Za-z0-9]{4,12})_[A-Za-z0-9_-]{8,}     # the look-up part may stay
    | (?P<vendor>sk-)[A-Za-z0-9_-]{8,}
    | (?P<google>AIza)[A-Za-z0-9_-]{20,}
    | (?P<bearer>[Bb]earer\ +)[A-Za-z0-9._~+/=-]{8,}
    | (?P<url>[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(?=@)  # password inside an address
    """,
    re.VERBOSE,
)
# Deeper than any event of ours; a structure beyond it is cut rather than walked for ever.
MAX_DEPTH = 6


def redact_text(text: str) -> str:
    """Return the text with every secret replaced, what identifies it kept."""
    return _SECRETS.sub(_replacement, text)


def redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Structlog processor: redact every value of an event."""
    return {name: _redact_field(name, value, 0) for name, value in event.items()}


def _replacement(match: re.Match[str]) -> str:
    kept = next(group for group in match.groups() if group is not None)
    return f"{kept}{'_' if match.lastgroup == 'ours' else ''}{REDACTED}"


def _redact_field(name: object, value: Any, depth: int) -> Any:
    if isinstance(name, str) and name.lower() in SECRET_FIELDS and value:
        return REDACTED
    return _redact_value(value, depth)


def _redact_value(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes):
        return redact_text(value.decode(errors="replace"))
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {key: _redact_field(key, item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact_value(item, depth + 1) for item in value]
    return value
