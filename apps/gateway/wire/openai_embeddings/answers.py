"""OpenAI's embeddings: vectors to bodies, in the form that was asked for. Pure.

Source of the format: OpenAI's API reference, "Embeddings" (object). Clients of Node decode base64
without looking, so numbers in its place would become another vector.
"""

from typing import Any

from apps.core.chat import ChatResponse, Vector
from apps.core.vectors import as_base64, as_numbers
from apps.gateway.wire.rendering import AnswerHead


def render(response: ChatResponse, head: AnswerHead, *, encoding: str) -> dict[str, Any]:
    """Return the list of vectors, in the order of the inputs."""
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector, encoding)}
        for index, vector in enumerate(response.vectors)
    ]
    tokens = response.usage.input_tokens
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": head.model, "usage": usage}


def _encoded(vector: Vector, encoding: str) -> Any:
    return as_base64(vector) if encoding == "base64" else as_numbers(vector)
