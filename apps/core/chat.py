"""The neutral chat vocabulary: what every door parses into and every adapter reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

type Role = Literal["system", "user", "assistant", "tool"]
type FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
type Dialect = Literal["openai.chat", "router"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `text` joins the text parts; other parts travel in the request's `raw` body."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What the caller asked, free of any dialect.

    `raw` is the parsed body as it came in its `dialect`, for an adapter that speaks the same one;
    `needs` are the capabilities the body calls for ("vision", "tools", "json_schema", …);
    `user` and `metadata` say for whom it is, in the caller's own words: rules may read them;
    `parameters` are those that a rule sets, in OpenAI's names: an adapter sends what its wire has.
    """

    model: str
    messages: tuple[Message, ...]
    dialect: Dialect
    stream: bool = False
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    user: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Token counts of one attempt. Cached and cache-write tokens are parts of `input_tokens`."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class ChatResponse:
    """A whole answer. `raw` is the provider's body when it speaks `raw_dialect`, else empty."""

    text: str
    finish_reason: FinishReason
    usage: TokenUsage
    upstream_id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
    raw_dialect: Dialect | None = None


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One step of a streamed answer.

    Any of the parts may be set. `raw` is the provider's chunk when it speaks `raw_dialect`. A
    stream without an event that has a `finish_reason` was cut and is an error, never a clean end.
    """

    text: str = ""
    finish_reason: FinishReason | None = None
    usage: TokenUsage | None = None
    raw: Mapping[str, Any] | None = None
    raw_dialect: Dialect | None = None
