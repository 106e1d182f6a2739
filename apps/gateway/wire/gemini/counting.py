"""The Gemini dialect: how many tokens a body has. Pure.

Source of the format: ai.google.dev/api/tokens (countTokens).
"""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import ChatRequest
from apps.core.tokens import estimate_messages
from apps.gateway.wire.fields import mapping
from apps.gateway.wire.gemini.request import parse
from apps.gateway.wire.gemini.spelling import spelled


def parse_count(body: Mapping[str, Any], *, model: str) -> ChatRequest:
    """Read contents alone, or a whole request; raises InvalidRequest."""
    inner = mapping(body, spelled(body, "generateContentRequest"))
    return parse(inner or body, model=model)


def render_count(chat: ChatRequest, model: str) -> dict[str, Any]:
    """Return our own estimate of what the model would count."""
    tokens = estimate_messages(model, chat.messages)
    return {
        "totalTokens": tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}],
    }
