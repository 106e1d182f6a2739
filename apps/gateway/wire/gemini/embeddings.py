"""Gemini's embeddings: bodies to neutral requests, vectors to bodies. Pure.

Source of the format: ai.google.dev/api/embeddings (embedContent, batchEmbedContents).
"""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import ChatRequest, ChatResponse, EmbeddingAsk, Message, Vector
from apps.core.errors import InvalidRequest
from apps.core.vectors import as_numbers
from apps.gateway.wire.fields import LONGEST_NAME, MOST_DIMENSIONS, text, whole
from apps.gateway.wire.gemini.request import model_of
from apps.gateway.wire.gemini.spelling import camelled
from apps.gateway.wire.rendering import AnswerHead

MOST_REQUESTS = 2_048
LONGEST_TITLE = 2_000


def parse_one(body: Mapping[str, Any], *, model: str) -> ChatRequest:
    """Read the body of embedContent; raises InvalidRequest naming the field."""
    return _request([body], model, at="")


def parse_batch(body: Mapping[str, Any], *, model: str) -> ChatRequest:
    """Read the body of batchEmbedContents; raises InvalidRequest naming the field."""
    requests = body.get("requests")
    if not isinstance(requests, list) or not requests or len(requests) > MOST_REQUESTS:
        message = f"requests is a list of 1 to {MOST_REQUESTS} requests"
        raise InvalidRequest(message, param="requests")
    for index, request in enumerate(requests):
        if not isinstance(request, dict):
            raise InvalidRequest("a request is an object", param=f"requests[{index}]")
    return _request(requests, model, at="requests[{}].")


def render_one(response: ChatResponse, _head: AnswerHead) -> dict[str, Any]:
    """Return the vector of the one content."""
    return {"embedding": _values(response.vectors[0])}


def render_batch(response: ChatResponse, _head: AnswerHead) -> dict[str, Any]:
    """Return one vector for each request, in their order."""
    return {"embeddings": [_values(vector) for vector in response.vectors]}


def _values(vector: Vector) -> dict[str, Any]:
    return {"values": as_numbers(vector)}


def _request(requests: list[Mapping[str, Any]], model: str, *, at: str) -> ChatRequest:
    records = [camelled(request) for request in requests]
    inputs = tuple(_text(record, at.format(index)) for index, record in enumerate(records))
    options = [_options(record) for record in records]
    if any(each != options[0] for each in options):
        message = "taskType, title and outputDimensionality are the same for all requests"
        raise InvalidRequest(message, param="requests")
    dimensions, purpose, title = options[0]
    return ChatRequest(
        model=model_of(model),
        messages=tuple(Message("user", given) for given in inputs),
        dialect="gemini",
        needs=frozenset({"embeddings"}),
        embedding=EmbeddingAsk(inputs, dimensions, purpose, title),
    )


def _options(record: Mapping[str, Any]) -> tuple[int | None, str, str]:
    return (
        whole(record, "outputDimensionality", minimum=1, maximum=MOST_DIMENSIONS),
        text(record, "taskType", longest=LONGEST_NAME),
        text(record, "title", longest=LONGEST_TITLE),
    )


def _text(record: Mapping[str, Any], at: str) -> str:
    """Return the text of a content, which is all that its vector is made of here."""
    content = record.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list) or not parts:
        raise InvalidRequest("content has parts with a text", param=f"{at}content.parts")
    texts = [part.get("text") if isinstance(part, dict) else None for part in parts]
    words = [words for words in texts if isinstance(words, str)]
    if len(words) < len(parts) or not any(words):
        message = "only texts become vectors here, and not an empty one"
        raise InvalidRequest(message, param=f"{at}content.parts")
    return " ".join(words)
