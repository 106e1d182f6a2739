"""The neutral chat vocabulary: what every door parses into and every adapter reads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

type Role = Literal["system", "user", "assistant", "tool"]
type FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
type Dialect = Literal[
    "openai.chat", "openai.responses", "openai.embeddings", "anthropic", "gemini", "router"
]
type Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `text` joins the text parts; other parts travel in the request's `raw` body."""

    role: Role
    text: str

    def as_turn(self) -> "Turn":
        return Turn(self.role, (Text(self.text),))


# --- What a turn is made of -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """`cache_control` is the caller's mark that a prefix may be cached up to here, as it came."""

    text: str
    cache_control: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """An image by address, or in base64 with its media type."""

    url: str = ""
    data: str = ""
    media_type: str = ""
    cache_control: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Audio:
    """Sound in base64; `format` is "wav", "mp3", …"""

    data: str
    format: str


@dataclass(frozen=True, slots=True)
class File:
    """A document by address, by a provider's own id, or in base64 with its media type."""

    url: str = ""
    file_id: str = ""
    data: str = ""
    media_type: str = ""
    name: str = ""
    cache_control: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Thinking:
    """What a model thought. Only the provider of `origin` can read its signature again.

    `redacted` is a thought that the provider shows to nobody: it goes back as it came.
    """

    text: str = ""
    signature: str = ""
    redacted: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to have a tool called; `arguments` are JSON text, as most wires have them.

    `signature` is what the provider of `origin` wants to see again with the call, where one does.
    """

    id: str
    name: str
    arguments: str
    signature: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the tool said to the call with this id."""

    call_id: str
    parts: tuple[Text | Image | File, ...]
    is_error: bool = False
    cache_control: Mapping[str, Any] | None = None


type Part = Text | Image | Audio | File | Thinking | ToolCall | ToolResult
type AnswerPart = Text | Thinking | ToolCall


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn in full; a "tool" turn holds results only."""

    role: Role
    parts: tuple[Part, ...]
    name: str = ""

    def as_message(self) -> Message:
        """Return its words; those of tools' results too."""
        texts: list[str] = []
        for part in self.parts:
            inner = part.parts if isinstance(part, ToolResult) else (part,)
            texts += [word.text for word in inner if isinstance(word, Text)]
        return Message(self.role, "\n".join(texts))


# --- What is asked beside the turns ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the caller's; `schema` is the JSON schema of its arguments, as it came."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] | None = None
    is_strict: bool | None = None
    cache_control: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether tools must be called; `allowed` narrows them down, one name is a forced tool."""

    mode: Literal["auto", "none", "required"]
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerFormat:
    """A structured answer; without a schema any JSON object will do."""

    name: str = ""
    description: str = ""
    schema: Mapping[str, Any] | None = None
    is_strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How hard to think: in OpenAI's words ("none" to "max"), or in tokens.

    A budget of 0 is no thinking, one of -1 leaves it to the model.
    """

    effort: str = ""
    budget_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ChatDetails:
    """The whole request in the neutral form, beside what `ChatRequest` says itself.

    `others` are the fields that have no neutral form, under their names in the caller's dialect.
    """

    turns: tuple[Turn, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    has_parallel_calls: bool | None = None
    answer_format: AnswerFormat | None = None
    reasoning: Reasoning | None = None
    top_k: int | None = None
    seed: int | None = None
    top_logprobs: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    others: Mapping[str, Any] = field(default_factory=dict)

    def amended(self, before: Sequence[Turn], parameters: Mapping[str, Any]) -> "ChatDetails":
        """Return it with turns before the caller's, and with what a rule sets."""
        changes: dict[str, Any] = {
            name: parameters[name] for name in RULE_PARAMETERS if name in parameters
        }
        if "reasoning_effort" in parameters:
            changes["reasoning"] = Reasoning(parameters["reasoning_effort"])
        return replace(self, turns=(*before, *self.turns), **changes)


# What a rule may set that has a field here of the same name.
RULE_PARAMETERS = ("seed", "frequency_penalty", "presence_penalty")


@dataclass(frozen=True, slots=True)
class Grammar:
    """How bodies of one dialect are read in full, and how they are amended as they are.

    `amend` takes the body, turns to put before the caller's, and what a rule sets (in OpenAI's
    names); a dialect that has no word for a parameter leaves it out. `must_amend`: the body holds
    what its dialect's own provider would refuse, so that it never goes out as it came.
    """

    read: Callable[[Body], ChatDetails]
    amend: Callable[[Body, Sequence[Turn], Mapping[str, Any]], dict[str, Any]]
    must_amend: bool = False


@dataclass(frozen=True, slots=True)
class EmbeddingAsk:
    """What shall become vectors: texts, or tokens as numbers of the model's own vocabulary.

    `purpose` and `title` are what Gemini may be told of a text ("RETRIEVAL_QUERY", …).
    """

    inputs: tuple[str | tuple[int, ...], ...]
    dimensions: int | None = None
    purpose: str = ""
    title: str = ""

    @property
    def given_tokens(self) -> int:
        """How many tokens came as numbers; those of texts are counted with the messages."""
        return sum(len(given) for given in self.inputs if not isinstance(given, str))


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What the caller asked, free of any dialect.

    `raw` is the parsed body as it came in its `dialect`; `grammar` can read and amend it. An
    adapter that speaks the same dialect sends `body()`, any other one asks for `details()`: both
    are worked out then, not before.
    `embedding` is set where vectors are wanted, not an answer: `messages` are its texts then.
    `headers` are those that only a provider of the same dialect may see ("anthropic-beta").
    `messages` are all turns as texts, those of the router first; `before` are the latter in full.
    `choices` is the number of answers that are wanted at once ("n", "candidateCount").
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
    choices: int = 1
    needs: frozenset[str] = frozenset()
    user: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    raw: Body = field(default_factory=dict)
    grammar: Grammar | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    embedding: EmbeddingAsk | None = None
    before: tuple[Turn, ...] = ()

    def details(self) -> ChatDetails:
        """Return the request in full; raises InvalidRequest naming the field that is wrong."""
        if self.raw and self.grammar:
            return self.grammar.read(self.raw).amended(self.before, self.parameters)
        callers = self.messages[len(self.before) :]
        spoken = ChatDetails(tuple(message.as_turn() for message in callers))
        return spoken.amended(self.before, self.parameters)

    def body(self) -> dict[str, Any]:
        """Return the body in the caller's own dialect, with what the router adds."""
        if self.grammar is None:
            return dict(self.raw)
        if not (self.before or self.parameters or self.grammar.must_amend):
            return dict(self.raw)
        return self.grammar.amend(self.raw, self.before, self.parameters)


# --- What comes back ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Token counts of one attempt. Cached and cache-write tokens are parts of `input_tokens`."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimated: bool = False


# Numbers, or base64 of little-endian float32: as the provider gave it.
type Vector = Sequence[float] | str


@dataclass(frozen=True, slots=True)
class Choice:
    """A further answer to the same request; its fields are those of `ChatResponse`."""

    text: str
    finish_reason: FinishReason
    parts: tuple[AnswerPart, ...] = ()
    stop_sequence: str = ""
    logprobs: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ChatResponse:
    """A whole answer. `raw` is the provider's body when it speaks `raw_dialect`, else empty.

    `parts` are all of the answer in order, empty when `text` is all there is; `dropped` names the
    fields of the request that the provider's wire could not carry, or not as they were.
    `stop_sequence` is the caller's text that ended it, where the provider tells; `logprobs` have
    the form of OpenAI's chat dialect; `vectors` are what an embedding asked for, in its order.
    `others` are the answers after the first, where several were asked for: `usage` counts all.
    """

    text: str
    finish_reason: FinishReason
    usage: TokenUsage
    upstream_id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
    raw_dialect: Dialect | None = None
    parts: tuple[AnswerPart, ...] = ()
    dropped: tuple[str, ...] = ()
    stop_sequence: str = ""
    logprobs: Mapping[str, Any] | None = None
    vectors: tuple[Vector, ...] = ()
    others: tuple[Choice, ...] = ()

    @property
    def answers(self) -> tuple["ChatResponse | Choice", ...]:
        """All answers in their order, this one first."""
        return (self, *self.others)


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of the answer's call number `index`; all but arguments come with its first piece."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    signature: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One step of a streamed answer.

    Any of the parts may be set. `raw` is the provider's chunk when it speaks `raw_dialect`: where
    one chunk makes several events, the first has it and the others an empty one. A stream without
    an event that has a `finish_reason` was cut and is an error, never a clean end.
    `thinking` is a piece of a thought; `thought` is a whole one, signed, when it has ended.
    `dropped` (see `ChatResponse`) comes with the first event, `stop_sequence` with the reason.
    `choice` says which of several answers it belongs to, counted from 0: each has its own end.
    """

    text: str = ""
    finish_reason: FinishReason | None = None
    usage: TokenUsage | None = None
    raw: Mapping[str, Any] | None = None
    raw_dialect: Dialect | None = None
    thinking: str = ""
    thought: Thinking | None = None
    tool_call: ToolCallDelta | None = None
    dropped: tuple[str, ...] = ()
    stop_sequence: str = ""
    logprobs: Mapping[str, Any] | None = None
    choice: int = 0
