"""Vectors of Gemini: what we ask google-genai, and what it gives back. Pure.

Source of the format: google-genai's types (`EmbedContentConfig`, `EmbedContentResponse`).
"""

from typing import Any

from google.genai import types

from apps.core.chat import ChatResponse
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.failures import not_expressible
from apps.providers.adapters.vectors import asked_vectors, checked_vectors, estimated_usage


def build_inputs(call: ProviderCall) -> tuple[list[types.Content], types.EmbedContentConfig]:
    """Return one content for each input; raises AttemptError for tokens of another vocabulary."""
    asked = asked_vectors(call)
    texts = [given for given in asked.inputs if isinstance(given, str)]
    if len(texts) < len(asked.inputs):
        raise not_expressible("this provider takes texts, not tokens", param="input")
    contents = [types.Content(parts=[types.Part(text=text)]) for text in texts]
    config = types.EmbedContentConfig(
        output_dimensionality=asked.dimensions,
        task_type=asked.purpose or None,
        title=asked.title or None,
    )
    return contents, config


def read_vectors(answer: Any, call: ProviderCall) -> ChatResponse:
    """Read the vectors, which come in the order of the inputs and without counts."""
    if not answer.embeddings:
        raise AttemptError("unavailable", "the provider's answer has no vectors")
    vectors = checked_vectors([each.values or () for each in answer.embeddings], call)
    return ChatResponse("", "stop", estimated_usage(call), vectors=vectors)
