"""One request and its answer between a client and a simulated provider, in no vendor's language."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from apps.providers.wire_servers.habits import Habits
from apps.providers.wire_servers.scripts import Script

type Json = dict[str, Any]

FIRST_MOMENT = 1_760_000_000


class Framing(Enum):
    """How a stream separates its events."""

    SSE = "\n"
    SSE_CRLF = "\r\n"
    ARRAY = ","


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came; `body` is {} where there is none or it is no JSON object.

    `head` is the first line with all headers, as they came.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes
    body: Json
    head: str = ""


class Refusal(Exception):
    """An answer other than 200, in the words of the provider; `wait` is in whole seconds."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        param: str | None = None,
        wait: str = "1",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream; a text is sent as it is, such as `[DONE]` or half of a JSON."""

    data: Json | str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a server keeps between requests: stored answers of the Responses API by id."""

    responses: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, what shall be said to it, and where it stands in the order of requests."""

    request: Request
    script: Script
    model: str
    number: int
    memory: Memory
    habits: Habits = field(default_factory=Habits)

    @property
    def is_lenient(self) -> bool:
        """Tell whether parameters may be unknown, as they may with servers that resemble OpenAI."""
        return self.script.accepts_unknown or self.habits.accepts_unknown

    @property
    def body(self) -> Json:
        return self.request.body

    @property
    def moment(self) -> int:
        return FIRST_MOMENT + self.number

    def answers(self, count: int) -> "list[Exchange]":
        """Return one exchange for each of so many answers; the further ones have other texts."""
        texts = [self.script.text, *(f"{self.script.text} [{at}]" for at in range(1, count))]
        return [replace(self, script=replace(self.script, text=text)) for text in texts]

    def new_id(self, prefix: str, index: int = 0) -> str:
        """Return an id that no other part of any answer of this server has."""
        return f"{prefix}sim{self.number:06d}{index:03d}"


@dataclass(frozen=True, slots=True)
class Vendor:
    """What all endpoints of a vendor share."""

    name: str
    error: Callable[[Refusal, str], Json]
    error_event: Callable[[Refusal, str], Event]
    malformed_event: Event
    check_key: Callable[[Request, str | None], None]
    headers: Callable[[str], dict[str, str]]
    # In its own words: a request with more tokens than the model's window holds.
    too_long: Refusal


def never(_subject: Any) -> bool:
    """Say no: an endpoint that does not stream, a body that holds no tool result."""
    return False


def as_sse(_request: Request) -> Framing:
    """Say server-sent events with plain line ends, as most do."""
    return Framing.SSE


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a vendor: what it demands, and how it answers whole and streamed."""

    vendor: Vendor
    check: Callable[[Exchange], None]
    answer: Callable[[Exchange], Json]
    events: Callable[[Exchange], list[Event]] | None = None
    is_streamed: Callable[[Request], bool] = never
    framing: Callable[[Request], Framing] = as_sse
    answers_tools: Callable[[Json], bool] = never
    # Its own event of failure, by the place in the stream, where the vendor has several.
    error_event: Callable[[Refusal, int], Event] | None = None


def framed(events: list[Event], framing: Framing) -> list[bytes]:
    """Write events as the bytes of a stream, one item each."""
    texts = [_text(event.data) for event in events]
    if framing is Framing.ARRAY:
        return [f"{',' if at else '['}{text}\r\n".encode() for at, text in enumerate(texts)]
    end = framing.value
    return [
        f"{f'event: {event.name}{end}' if event.name else ''}data: {text}{end}{end}".encode()
        for event, text in zip(events, texts, strict=True)
    ]


def _text(data: Json | str) -> str:
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
