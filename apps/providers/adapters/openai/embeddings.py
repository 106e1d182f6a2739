"""Vectors of an OpenAI-compatible server: what we send, and what comes back. Pure.

Source of the format: OpenAI's API reference, "Embeddings".
"""

from typing import Any

from apps.core.chat import ChatResponse, EmbeddingAsk, TokenUsage, Vector
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.failures import refuse_losses
from apps.providers.adapters.reading import is_count, parse_object
from apps.providers.adapters.vectors import asked_vectors, checked_vectors, estimated_usage

ENCODING = "encoding_format"


def build_vectors_body(call: ProviderCall) -> dict[str, Any]:
    """Return the body; the caller's own when it speaks this dialect, with only the model ours.

    Raises AttemptError where the route wants nothing lost and something would be.
    """
    asked = asked_vectors(call)
    refuse_losses(call, dropped_of(asked))
    if call.request.dialect == "openai.embeddings" and call.request.raw:
        return {**call.request.body(), "model": call.connection.upstream_model}
    body: dict[str, Any] = {
        "model": call.connection.upstream_model,
        "input": list(asked.inputs),
        ENCODING: "float",
    }
    return body if asked.dimensions is None else {**body, "dimensions": asked.dimensions}


def dropped_of(asked: EmbeddingAsk) -> tuple[str, ...]:
    """Return what another dialect says of a text, and this one has no word for."""
    given = {"taskType": asked.purpose, "title": asked.title}
    return tuple(name for name, value in given.items() if value)


def read_vectors(body: bytes, call: ProviderCall) -> ChatResponse:
    """Read the vectors in the order of the inputs; raises AttemptError when some are missing."""
    raw = parse_object(body)
    records = raw.get("data")
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise AttemptError("unavailable", "the provider's answer has no vectors")
    ordered = sorted(records, key=_place)
    vectors = checked_vectors([_vector(record) for record in ordered], call)
    return ChatResponse(
        "",
        "stop",
        _usage(raw.get("usage"), call),
        dropped=dropped_of(asked_vectors(call)),
        vectors=vectors,
    )


def _place(record: dict[str, Any]) -> int:
    index = record.get("index")
    return index if isinstance(index, int) else 0


def _vector(record: dict[str, Any]) -> Vector:
    vector = record.get("embedding")
    if isinstance(vector, str | list):
        return vector
    raise AttemptError("unavailable", "the provider sent a vector that is none")


def _usage(usage: Any, call: ProviderCall) -> TokenUsage:
    counted = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    if is_count(counted):
        return TokenUsage(counted, 0)
    return estimated_usage(call)
