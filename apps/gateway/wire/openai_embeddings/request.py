"""OpenAI's embeddings: bodies to neutral requests. Pure.

Source of the format: OpenAI's API reference, "Embeddings" (create).
"""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import ChatRequest, EmbeddingAsk, Message
from apps.core.errors import InvalidRequest
from apps.gateway.wire.fields import LONGEST_NAME, LONGEST_USER, MOST_DIMENSIONS, text, whole

MOST_INPUTS = 2_048
ENCODINGS = ("float", "base64")

type Input = str | tuple[int, ...]


def parse(body: Mapping[str, Any]) -> ChatRequest:
    """Read a request body; raises InvalidRequest naming the field and the fix."""
    inputs = _inputs(body.get("input"))
    encoding_of(body)
    return ChatRequest(
        model=_model(body),
        messages=tuple(Message("user", given) for given in inputs if isinstance(given, str)),
        dialect="openai.embeddings",
        needs=frozenset({"embeddings"}),
        user=text(body, "user", longest=LONGEST_USER),
        raw=body,
        embedding=EmbeddingAsk(
            inputs, whole(body, "dimensions", minimum=1, maximum=MOST_DIMENSIONS)
        ),
    )


def encoding_of(body: Mapping[str, Any]) -> str:
    """Return the form in which vectors are wanted; numbers when the body says nothing."""
    encoding = body.get("encoding_format") or "float"
    if encoding not in ENCODINGS:
        raise InvalidRequest("encoding_format is float or base64", param="encoding_format")
    return str(encoding)


def _model(body: Mapping[str, Any]) -> str:
    name = text(body, "model", longest=LONGEST_NAME).strip()
    if not name or name == "auto":
        # Vectors of two models cannot be compared: the caller must know whose they are.
        raise InvalidRequest("name the model, or an alias, that shall make vectors", param="model")
    return name


def _inputs(given: Any) -> tuple[Input, ...]:
    """Return the inputs, one or many, texts or tokens."""
    if isinstance(given, str):
        return (_input(given, "input"),)
    if not isinstance(given, list) or not given:
        raise InvalidRequest("input is a text, tokens, or a list of them", param="input")
    if _is_tokens(given):
        return (tuple(given),)
    if len(given) > MOST_INPUTS:
        raise InvalidRequest(f"at most {MOST_INPUTS} inputs", param="input")
    return tuple(_input(one, f"input[{index}]") for index, one in enumerate(given))


def _input(given: Any, at: str) -> Input:
    if isinstance(given, str) and given:
        return given
    if isinstance(given, list) and given and _is_tokens(given):
        return tuple(given)
    raise InvalidRequest("an input is a text or a list of tokens, and not empty", param=at)


def _is_tokens(given: list[Any]) -> bool:
    return all(isinstance(one, int) and not isinstance(one, bool) for one in given)
