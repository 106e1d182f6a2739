"""Vectors of Gemini: what we ask google-genai, and what it gives back. Pure.

Source of the format: google-genai's types (`EmbedContentConfig`, `EmbedContentResponse`).
"""

from collections.abc import Sequence
from typing import Any

from google.genai import types

from apps.core.chat import ChatResponse
from apps.core.tokens import text_of_tokens
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.failures import not_expressible
from apps.providers.adapters.vectors import asked_vectors, checked_vectors, estimated_usage


def build_inputs(call: ProviderCall) -> tuple[list[types.Content], types.EmbedContentConfig]:
    """Return one content for each input; raises AttemptError for tokens that are no text.

    Clients of OpenAI's embeddings (LangChain's, unasked) send tokens of OpenAI's vocabulary.
    """
    asked = asked_vectors(call)
    texts = [given if isinstance(given, str) else _text_of(given) for given in asked.inputs]
    contents = [types.Content(parts=[types.Part(text=text)]) for text in texts]
    config = types.EmbedContentConfig(
        output_dimensionality=asked.dimensions,
        task_type=asked.purpose or None,
        title=asked.title or None,
    )
    return contents, config


def _text_of(tokens: Sequence[int]) -> str:
    try:
        return text_of_tokens(tokens)
    except ValueError as error:
        message = "these tokens are no text in OpenAI's vocabulary; send texts"
        raise not_expressible(message, param="input") from error


def read_vectors(answer: Any, call: ProviderCall) -> ChatResponse:
    """Read the vectors, which come in the order of the inputs and without counts."""
    if not answer.embeddings:
        raise AttemptError("unavailable", "the provider's answer has no vectors")
    vectors = checked_vectors([each.values or () for each in answer.embeddings], call)
    return ChatResponse("", "stop", estimated_usage(call), vectors=vectors)
