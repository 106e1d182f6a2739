"""What walks through the pipeline: the ask, the run that gathers everything, the answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple
from uuid import UUID

from apps.api_keys.types import Admission, Caller, TokenCorrection
from apps.conversations.types import Context
from apps.core.chat import ChatDetails, ChatRequest, ChatResponse, Message, Part, Turn
from apps.core.clock import monotonic_seconds, unix_ms
from apps.core.ids import new_id, public_id
from apps.core.rates import RateLeft
from apps.routing.engine.types import Attempt, Decision, Health, RequestFacts
from apps.routing.snapshot_store import Pinned
from apps.usage.types import AttemptRecord

# The whole request with all its attempts, unless a rule says otherwise.
REQUEST_SECONDS = 600.0
# Parameters that every wire has.
NEUTRAL = ("temperature", "top_p")

type CacheState = Literal["off", "miss", "hit"]
# As ASGI gives them: names and values in Latin-1, in the order sent.
type RawHeaders = Iterable[tuple[bytes, bytes]]
NO_HEALTH = Health()


@dataclass(frozen=True, slots=True)
class Ask:
    """What a door hands over: a parsed request of an authenticated caller."""

    caller: Caller
    chat: ChatRequest
    door: str
    tags: tuple[str, ...] = ()
    headers: RawHeaders = ()
    prompt_template: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    conversation_id: str = ""
    request_id: UUID = field(default_factory=new_id)


class Basis(NamedTuple):
    """What a decision was made with, beside the snapshot and the seed."""

    facts: RequestFacts
    health: Health


@dataclass(slots=True)
class Run:
    """One request on its way; each step of the pipeline fills in its part.

    `health` is what the latest decision was made with. `basis` is that of `decision`, the one that
    is logged: facts and health go on changing when an attempt fails. `dropped` are the fields of
    the request that the provider who answered was not told, or not as they were. `prefix` and
    `rendered` are turns of the router's; `callers`, for a conversation, the caller's in full.
    `recalled`: the request as it was read, and what earlier answers of it were signed with. `rate`
    is what the key had left when the request was admitted.
    """

    ask: Ask
    pinned: Pinned
    context: Context | None = None
    prefix: tuple[Turn, ...] = ()
    rendered: tuple[Turn, ...] = ()
    callers: tuple[Turn, ...] = ()
    recalled: tuple[ChatDetails, Mapping[int, tuple[Part, ...]]] | None = None
    template_label: str = ""
    facts: RequestFacts | None = None
    health: Health = NO_HEALTH
    decision: Decision | None = None
    basis: Basis | None = None
    admission: Admission | None = None
    rate: RateLeft | None = None
    answer_key: str = ""
    cache: CacheState = "off"
    chosen: Attempt | None = None
    dropped: tuple[str, ...] = ()
    attempts: list[AttemptRecord] = field(default_factory=list)
    corrections: list[TokenCorrection] = field(default_factory=list)
    is_settled: bool = False
    started_ms: int = field(default_factory=unix_ms)
    started: float = field(default_factory=monotonic_seconds)
    first_token: float | None = None

    @property
    def request_id(self) -> str:
        return public_id("req", self.ask.request_id)

    @property
    def seed(self) -> str:
        """What the draws of its decisions depend on."""
        return self.ask.request_id.hex

    @property
    def decision_id(self) -> str:
        return public_id("dec", self.ask.request_id)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the provider reads: system prompts, history, the turn's prompt, the caller's own."""
        before = (turn.as_message() for turn in self.before_callers)
        return (*before, *self.ask.chat.messages)

    @property
    def before_callers(self) -> tuple[Turn, ...]:
        """What the router puts before the caller's messages."""
        rest = (turn for turn in self.rendered if turn.role != "system")
        return (*self.prefix, *rest)

    @property
    def outgoing(self) -> ChatRequest:
        """The caller's request as it goes out, with what the router and its rule add."""
        chat, before = self.ask.chat, self.before_callers
        parameters = self.decision.effects.parameters if self.decision else {}
        if not before and not parameters:
            return chat
        neutral: dict[str, Any] = {name: parameters[name] for name in NEUTRAL if name in parameters}
        return replace(
            chat,
            messages=self.messages,
            before=before,
            parameters=parameters,
            **neutral,
        )

    @property
    def seconds_left(self) -> float:
        """What is left of the time that the rule, or else the house, allows for all attempts."""
        wanted = self.decided().effects.total_timeout_ms
        total = REQUEST_SECONDS if wanted is None else wanted / 1_000
        return total - (monotonic_seconds() - self.started)

    @property
    def tags(self) -> tuple[str, ...]:
        """The caller's tags and those that rules added."""
        added = self.decision.effects.tags if self.decision else ()
        return tuple(dict.fromkeys((*self.ask.tags, *added)))

    @property
    def cost(self) -> int:
        """Micro-dollars of all attempts so far."""
        return sum(attempt.cost for attempt in self.attempts)

    @property
    def model(self) -> str:
        return self.chosen.model if self.chosen else ""

    def admitted_attempt(self) -> Attempt:
        """Return the planned attempt for which admission found room."""
        place = self.admission.chosen if self.admission else 0
        return self.decided().attempts[place]

    def decide_on(self, decision: Decision) -> None:
        """Make a decision the run's own: the one that is logged, with what it was made with."""
        self.decision, self.basis = decision, Basis(self.known_facts(), self.health)

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
