"""What walks through the pipeline: the ask, the run that gathers everything, the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from apps.api_keys.types import Admission, Caller
from apps.conversations.types import Context
from apps.core.chat import ChatRequest, ChatResponse, Message
from apps.core.clock import monotonic_seconds, unix_ms
from apps.core.ids import new_id, public_id
from apps.routing.engine.types import Attempt, Decision, RequestFacts
from apps.routing.snapshot_store import Pinned
from apps.usage.types import AttemptRecord

type CacheState = Literal["off", "miss", "hit"]


@dataclass(frozen=True, slots=True)
class Ask:
    """What a door hands over: a parsed request of an authenticated caller."""

    caller: Caller
    chat: ChatRequest
    door: str
    tags: tuple[str, ...] = ()
    prompt_template: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    conversation_id: str = ""
    request_id: UUID = field(default_factory=new_id)


@dataclass(slots=True)
class Run:
    """One request on its way; each step of the pipeline fills in its part."""

    ask: Ask
    pinned: Pinned
    context: Context | None = None
    prefix: tuple[Message, ...] = ()
    rendered: tuple[Message, ...] = ()
    template_label: str = ""
    facts: RequestFacts | None = None
    decision: Decision | None = None
    admission: Admission | None = None
    answer_key: str = ""
    cache: CacheState = "off"
    chosen: Attempt | None = None
    attempts: list[AttemptRecord] = field(default_factory=list)
    is_settled: bool = False
    started_ms: int = field(default_factory=unix_ms)
    started: float = field(default_factory=monotonic_seconds)
    first_token: float | None = None

    @property
    def request_id(self) -> str:
        return public_id("req", self.ask.request_id)

    @property
    def decision_id(self) -> str:
        return public_id("dec", self.ask.request_id)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the provider reads: system prompts, history, the turn's prompt, the caller's own."""
        return (*self.before_callers, *self.ask.chat.messages)

    @property
    def before_callers(self) -> tuple[Message, ...]:
        """What the router puts before the caller's messages."""
        turn = (message for message in self.rendered if message.role != "system")
        return (*self.prefix, *turn)

    @property
    def outgoing(self) -> ChatRequest:
        """The caller's request with the prefix put before its messages, in its own dialect too."""
        chat = self.ask.chat
        before = self.before_callers
        if not before:
            return chat
        raw = dict(chat.raw)
        if "messages" in raw:
            added = [{"role": message.role, "content": message.text} for message in before]
            raw["messages"] = [*added, *raw["messages"]]
        return replace(chat, messages=self.messages, raw=raw)

    @property
    def cost(self) -> int:
        """Micro-dollars of all attempts so far."""
        return sum(attempt.cost for attempt in self.attempts)

    @property
    def model(self) -> str:
        return self.chosen.model if self.chosen else ""

    def attempts_of(self, attempt: Attempt) -> list[AttemptRecord]:
        """Return the records of an attempt that has ended."""
        return [item for item in self.attempts if item.deployment_id == attempt.deployment_id]

    def decided(self) -> Decision:
        """Return the decision; a step that comes after it may rely on it."""
        if self.decision is None:
            raise AssertionError("nothing was decided yet")
        return self.decision

    def known_facts(self) -> RequestFacts:
        """Return the facts; a step that comes after `decide` may rely on them."""
        if self.facts is None:
            raise AssertionError("no facts were gathered yet")
        return self.facts


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer and the run that led to it."""

    run: Run
    response: ChatResponse
