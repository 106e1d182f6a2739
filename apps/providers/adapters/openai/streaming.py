"""A streamed answer of an OpenAI-compatible server, chunk by chunk, into neutral events."""

from typing import Any

import orjson

from apps.core.chat import StreamEvent, TokenUsage
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.openai.errors import error_in_stream
from apps.providers.adapters.openai.responses import (
    first_choice,
    read_finish_reason,
    read_usage,
    text_of,
)
from apps.providers.adapters.reading import as_mapping, estimated_usage

DONE = b"[DONE]"


class ChunkReader:
    """Reads the chunks of one stream in order and knows whether it came to its end."""

    __slots__ = (
        "_call",
        "_has_begun",
        "_has_called_tools",
        "_is_finished",
        "_pieces",
        "_reported",
        "_usage",
    )

    def __init__(self, call: ProviderCall) -> None:
        self._call = call
        self._pieces: list[str] = []
        self._usage: TokenUsage | None = None
        self._reported: TokenUsage | None = None
        self._is_finished = False
        self._has_begun = False
        self._has_called_tools = False

    def read(self, payload: bytes) -> StreamEvent:
        """Read one chunk; raises AttemptError for an error event or for rubbish."""
        raw = self._parse(payload)
        self._has_begun = True
        # Some servers repeat the running count on each chunk: the last one is the truth.
        self._usage = read_usage(raw.get("usage")) or self._usage
        choice = first_choice(raw)
        delta = as_mapping(choice.get("delta")) if choice else {}
        text = text_of(delta.get("content"))
        self._keep_for_estimate(delta, text)
        reason = read_finish_reason(choice, self._tools(delta)) if choice else None
        self._is_finished = self._is_finished or reason is not None
        return StreamEvent(
            text=text,
            finish_reason=reason,
            usage=self._report_usage(),
            raw=raw,
            raw_dialect="openai.chat",
        )

    def end(self) -> StreamEvent | None:
        """Close the books: the usage that no chunk carried; raises AttemptError after a cut."""
        if not self._is_finished:
            raise AttemptError("cut", "the stream ended before the answer did")
        if self._usage is None:
            self._usage = estimated_usage(self._call, "".join(self._pieces))
        usage = self._report_usage()
        return StreamEvent(usage=usage) if usage else None

    def _report_usage(self) -> TokenUsage | None:
        if not self._is_finished or self._usage == self._reported:
            return None
        self._reported = self._usage
        return self._usage

    def _keep_for_estimate(self, delta: Any, text: str) -> None:
        if self._usage is not None:
            self._pieces.clear()
            return
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if text:
            self._pieces.append(text)
        if isinstance(reasoning, str):
            self._pieces.append(reasoning)
        if delta.get("tool_calls"):
            self._pieces.append(orjson.dumps(delta["tool_calls"]).decode())

    def _tools(self, delta: Any) -> dict[str, bool]:
        self._has_called_tools = self._has_called_tools or bool(delta.get("tool_calls"))
        return {"tool_calls": self._has_called_tools}

    def _parse(self, payload: bytes) -> dict[str, Any]:
        try:
            raw = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise self._rubbish() from error
        if not isinstance(raw, dict):
            raise self._rubbish()
        if raw.get("error"):
            secret = self._call.connection.secret
            raise error_in_stream(raw["error"], secret=secret, has_begun=self._has_begun)
        return raw

    def _rubbish(self) -> AttemptError:
        message = "the provider sent an event that is not a JSON object"
        return AttemptError("cut" if self._has_begun else "unavailable", message)
