"""What Gemini answers, whole or as chunks, read into the neutral types."""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import ChatResponse, FinishReason, StreamEvent, TokenUsage
from apps.core.tokens import estimate_messages, estimate_tokens
from apps.providers.adapters.base import AttemptError, ProviderCall

FINISH_REASONS: Mapping[str, FinishReason] = {
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
}


class AnswerReader:
    """Reads the chunks of one answer in order (a whole answer is one chunk)."""

    __slots__ = ("_call", "_pieces", "_reason", "_upstream_id", "_usage")

    def __init__(self, call: ProviderCall) -> None:
        self._call = call
        self._pieces: list[str] = []
        self._reason: FinishReason | None = None
        self._usage: TokenUsage | None = None
        self._upstream_id = ""

    def read(self, chunk: Any) -> StreamEvent | None:
        """Read one chunk; counts are cumulative and reasons may repeat, so the last ones hold."""
        self._usage = read_usage(chunk.usage_metadata) or self._usage
        self._upstream_id = chunk.response_id or self._upstream_id
        self._reason = read_finish_reason(chunk) or self._reason
        text = text_of(chunk)
        if not text:
            return None
        self._pieces.append(text)
        return StreamEvent(text=text)

    def end(self) -> StreamEvent:
        """Return the last event; raises AttemptError when no chunk carried a reason to stop."""
        if self._reason is None:
            raise AttemptError("cut", "the stream ended before the answer did")
        return StreamEvent(finish_reason=self._reason, usage=self._settled_usage())

    def whole(self) -> ChatResponse:
        """Return the answer; raises AttemptError when it has neither text nor an end."""
        if self._reason is None and not self._pieces:
            raise AttemptError("unavailable", "the provider's answer is empty")
        return ChatResponse(
            text="".join(self._pieces),
            finish_reason=self._reason or "stop",
            usage=self._settled_usage(),
            upstream_id=self._upstream_id,
        )

    def _settled_usage(self) -> TokenUsage:
        model = self._call.connection.upstream_model
        return self._usage or TokenUsage(
            input_tokens=estimate_messages(model, self._call.request.messages),
            output_tokens=estimate_tokens(model, "".join(self._pieces)),
            is_estimated=True,
        )


def read_finish_reason(chunk: Any) -> FinishReason | None:
    """Map the first candidate's reason; a blocked prompt has no candidate at all."""
    if not chunk.candidates:
        feedback = chunk.prompt_feedback
        return "content_filter" if feedback and feedback.block_reason else None
    reason = chunk.candidates[0].finish_reason
    if not reason:
        return None
    return FINISH_REASONS.get(getattr(reason, "value", str(reason)), "stop")


def text_of(chunk: Any) -> str:
    """Return the text of the first candidate, thoughts left out."""
    content = chunk.candidates[0].content if chunk.candidates else None
    parts = (content.parts if content else None) or []
    return "".join(part.text for part in parts if part.text and not part.thought)


def read_usage(counts: Any) -> TokenUsage | None:
    """Read the counts; cached tokens are inside the prompt's, thoughts beside the candidates'."""
    if counts is None or counts.prompt_token_count is None:
        return None
    thoughts = counts.thoughts_token_count or 0
    return TokenUsage(
        input_tokens=counts.prompt_token_count + (counts.tool_use_prompt_token_count or 0),
        output_tokens=(counts.candidates_token_count or 0) + thoughts,
        cached_input_tokens=counts.cached_content_token_count or 0,
        reasoning_tokens=thoughts,
    )
