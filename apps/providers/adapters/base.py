"""What every adapter offers: one call, whole or streamed, and errors typed by what to do next."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from apps.core.chat import ChatRequest, ChatResponse, StreamEvent

type FailureKind = Literal[
    "rejected",  # the request itself is wrong: never try again
    "credential",  # 401/403/404 of the provider: another deployment may do
    "rate_limited",  # 429: another deployment now, this one after `retry_after_seconds`
    "unavailable",  # 5xx, refused, reset: another deployment
    "timeout",  # nothing came in time: another deployment
    "context_length",  # a larger window may do
    "content_filter",  # the provider will not answer this: another one if the rule says so
    "not_expressible",  # this wire has no form for it: another one may have
    "cut",  # the stream ended without its end
]


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a deployment. `secret` is in clear and lives in memory only; never logged.

    `server_kind` names what a server of the wire does differently ("": told by the address).
    """

    adapter: str
    base_url: str
    upstream_model: str
    secret: str = field(repr=False, default="")
    simulation: Mapping[str, Any] = field(default_factory=dict)
    server_kind: str = ""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; `total` is what is left of the request's deadline."""

    connect: float = 3.0
    first_token: float = 30.0
    idle: float = 15.0
    total: float = 120.0


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the catalogue says of a model; each capability is "yes", "no" or "unknown"."""

    max_output_tokens: int | None = None
    capabilities: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One attempt: the neutral request, capped and aimed at one deployment.

    `refuses_loss`: what the wire cannot carry must not be left out (see `failures.refuse_losses`).
    """

    request: ChatRequest
    connection: Connection
    max_output_tokens: int | None
    timeouts: Timeouts
    request_id: str
    model: ModelFacts = ModelFacts()
    refuses_loss: bool = False


class AttemptError(Exception):
    """An attempt failed. `message` is safe to log and to show; it never holds a secret.

    `param` names the field of the request that is at fault, where one is; `limits` are the headers
    in which the provider told of its own.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        http_status: int | None = None,
        retry_after_seconds: float | None = None,
        provider_code: str = "",
        param: str | None = None,
        limits: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.http_status = http_status
        self.retry_after_seconds = retry_after_seconds
        self.provider_code = provider_code
        self.param = param
        self.limits: Mapping[str, str] = limits or {}


class ProviderAdapter(Protocol):
    """One wire. Implementations keep no state but their pooled clients (one per event loop)."""

    async def complete(self, call: ProviderCall) -> ChatResponse:
        """Ask for a whole answer; raises AttemptError."""

    def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        """Ask for a streamed answer; raises AttemptError, also mid-way ("cut").

        Closing the iterator cancels the upstream call.
        """

    async def embed(self, call: ProviderCall) -> ChatResponse:
        """Ask for the vectors of `call.request.embedding`; raises AttemptError."""
        message = f"the wire {call.connection.adapter!r} has no embeddings"
        raise AttemptError("not_expressible", message, param="model")
