"""What the adapters on the fast client share: bodies as JSON, and answers read with tolerance."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

import orjson

from apps.core.chat import AnswerPart, TokenUsage, ToolCall
from apps.core.tokens import estimate_request, estimate_tokens
from apps.providers.adapters.base import AttemptError, ProviderCall


def encode(body: Mapping[str, Any]) -> bytes:
    """Return a body as JSON; raises AttemptError for what JSON has no form for."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise AttemptError("rejected", f"the request cannot be sent as JSON: {error}") from error


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object; raises AttemptError."""
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise AttemptError("unavailable", "the provider's answer is not JSON") from error
    if not isinstance(raw, dict):
        raise AttemptError("unavailable", "the provider's answer is not a JSON object")
    return raw


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return the value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return the value when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return the value when it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def is_count(value: Any) -> TypeGuard[int]:
    """Say whether a value counts something; true and false are numbers to Python."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def count_of(counts: Mapping[str, Any], name: str) -> int:
    """Return a count, 0 where there is none."""
    value = counts.get(name)
    return value if is_count(value) else 0


def estimated_usage(call: ProviderCall, text: str) -> TokenUsage:
    """Count ourselves what the provider did not, and say so."""
    model = call.connection.upstream_model
    return TokenUsage(
        input_tokens=estimate_request(model, call.request),
        output_tokens=estimate_tokens(model, text),
        is_estimated=True,
    )


def arguments_text(arguments: Any) -> str:
    """Return a tool's arguments as JSON text."""
    return json.dumps(arguments or {}, ensure_ascii=False, separators=(",", ":"))


def said(parts: Iterable[AnswerPart]) -> str:
    """Return all that was generated, for an estimate of its tokens."""
    words = (
        f"{part.name} {part.arguments}" if isinstance(part, ToolCall) else part.text
        for part in parts
    )
    return "\n".join(words)
