"""The Gemini dialect: how many tokens a body has. Pure.

Source of the format: ai.google.dev/api/tokens (countTokens).
"""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import ChatRequest
from apps.gateway.wire.fields import mapping
from apps.gateway.wire.gemini.request import parse
from apps.gateway.wire.gemini.spelling import spelled


def parse_count(body: Mapping[str, Any], *, model: str) -> ChatRequest:
    """Read contents alone, or a whole request; raises InvalidRequest."""
    inner = mapping(body, spelled(body, "generateContentRequest"))
    return parse(inner or body, model=model)


def render_count(tokens: int) -> dict[str, Any]:
    """Return our own estimate, which cannot tell texts from images."""
    details = [{"modality": "TEXT", "tokenCount": tokens}]
    return {"totalTokens": tokens, "promptTokensDetails": details}
