"""Every door by its name: where it is, how a question is put there, how its answers are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.doors import hearing
from tests.doors.hearing import Heard
from tests.doors.raw_http import Json, Raw, post

TEXT = "Is it sunny in São Paulo?"
TOOL = "get_weather"
SCHEMA: Json = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "celsius": {"type": "integer"}},
    "required": ["city", "celsius"],
    "additionalProperties": False,
}
PARAMETERS: Json = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
}
# One red pixel.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5E"
    "rkJggg=="
)
THINKING_TOKENS = 1_024
OUTPUT_TOKENS = 4_096


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for, in no dialect."""

    model: str
    is_streamed: bool = False
    has_tools: bool = False
    has_image: bool = False
    has_schema: bool = False
    is_thoughtful: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """One door; `keys` are the headers that may bear the key, "?" is the address."""

    path: Callable[[Question], str]
    body: Callable[[Question], Json]
    read_whole: Callable[[Json], Heard]
    read_events: Callable[[Raw], Heard]
    keys: tuple[str, ...]
    end_of_text: str
    end_of_tools: str = ""

    @property
    def has_text_only(self) -> bool:
        return not self.end_of_tools

    def ask(self, address: str, key: str, question: Question, *, bearer: str = "") -> Raw:
        """Return the answer as it came; `bearer` is one of `keys`, the first one without it."""
        path, headers = carrying(self.path(question), key, bearer or self.keys[0])
        return post(address, path, self.body(question), headers)

    def hear(self, raw: Raw) -> Heard:
        """Return what an answer says; errors of HTTP are said by the status."""
        is_whole = raw.is_json and not raw.body.startswith(b"[")
        heard = self.read_whole(raw_json(raw)) if is_whole else self.read_events(raw)
        return replace(heard, status=raw.status)


def raw_json(raw: Raw) -> Json:
    """Return a body that is one object."""
    (found,) = hearing.objects_of(raw)
    return found


def carrying(path: str, key: str, bearer: str) -> tuple[str, Mapping[str, str]]:
    """Return the path and the headers of a request that brings its key in this way."""
    if bearer == "?":
        return f"{path}{'&' if '?' in path else '?'}key={key}", {}
    return path, {bearer: f"Bearer {key}" if bearer == "authorization" else key}


def _chat_body(question: Question) -> Json:
    content: Any = TEXT
    if question.has_image:
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        content = [{"type": "text", "text": TEXT}, image]
    body: Json = {"model": question.model, "messages": [{"role": "user", "content": content}]}
    if question.is_streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if question.has_tools:
        body["tools"] = [{"type": "function", "function": _function()}]
    if question.has_schema:
        schema = {"name": "forecast", "strict": True, "schema": SCHEMA}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if question.is_thoughtful:
        body["reasoning_effort"] = "high"
    return body


def _responses_body(question: Question) -> Json:
    content: list[Json] = [{"type": "input_text", "text": TEXT}]
    if question.has_image:
        image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
        content.append(image | {"detail": "auto"})
    body: Json = {
        "model": question.model,
        "input": [{"role": "user", "content": content}],
        "stream": question.is_streamed,
        "store": False,
    }
    if question.has_tools:
        body["tools"] = [{"type": "function", **_function()}]
    if question.has_schema:
        form = {"type": "json_schema", "name": "forecast", "strict": True, "schema": SCHEMA}
        body["text"] = {"format": form}
    if question.is_thoughtful:
        body["reasoning"] = {"effort": "high", "summary": "auto"}
    return body


def _messages_body(question: Question) -> Json:
    content: list[Json] = [{"type": "text", "text": TEXT}]
    if question.has_image:
        source = {"type": "base64", "media_type": "image/png", "data": PNG}
        content.append({"type": "image", "source": source})
    body: Json = {
        "model": question.model,
        "max_tokens": OUTPUT_TOKENS,
        "messages": [{"role": "user", "content": content}],
        "stream": question.is_streamed,
    }
    if question.has_tools:
        body["tools"] = [{"name": TOOL, "description": "Weather", "input_schema": PARAMETERS}]
    if question.has_schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
    if question.is_thoughtful:
        body["thinking"] = {"type": "enabled", "budget_tokens": THINKING_TOKENS}
    return body


def _gemini_body(question: Question) -> Json:
    parts: list[Json] = [{"text": TEXT}]
    if question.has_image:
        parts.append({"inlineData": {"mimeType": "image/png", "data": PNG}})
    config: Json = {}
    if question.has_schema:
        config |= {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    if question.is_thoughtful:
        config["thinkingConfig"] = {"includeThoughts": True, "thinkingBudget": THINKING_TOKENS}
    body: Json = {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}
    if question.has_tools:
        declared = {"name": TOOL, "description": "Weather", "parametersJsonSchema": PARAMETERS}
        body["tools"] = [{"functionDeclarations": [declared]}]
    return body


def _complete_body(question: Question) -> Json:
    """Our own API takes texts; whatever else is put to it is a field that it does not know."""
    body: Json = {"model": question.model, "messages": [{"role": "user", "content": TEXT}]}
    wanted = {
        "stream": question.is_streamed,
        "tools": question.has_tools,
        "images": question.has_image,
        "schema": question.has_schema,
        "thinking": question.is_thoughtful,
    }
    return body | {name: True for name, is_wanted in wanted.items() if is_wanted}


def _function() -> Json:
    return {"name": TOOL, "description": "Weather", "parameters": PARAMETERS}


def _gemini_path(version: str, stream: str) -> Callable[[Question], str]:
    def path(question: Question) -> str:
        action = stream if question.is_streamed else "generateContent"
        return f"/{version}/models/{question.model}:{action}"

    return path


def _at(path: str) -> Callable[[Question], str]:
    return lambda _question: path


_GEMINI = Door(
    _gemini_path("v1beta", "streamGenerateContent?alt=sse"),
    _gemini_body,
    hearing.gemini_whole,
    hearing.gemini_chunks,
    ("x-goog-api-key", "?", "authorization"),
    "STOP",
    "STOP",
)
DOORS: Mapping[str, Door] = {
    "openai chat": Door(
        _at("/v1/chat/completions"),
        _chat_body,
        hearing.chat_whole,
        hearing.chat_chunks,
        ("authorization",),
        "stop",
        "tool_calls",
    ),
    "openai responses": Door(
        _at("/v1/responses"),
        _responses_body,
        hearing.responses_whole,
        hearing.responses_events,
        ("authorization",),
        "completed",
        "completed",
    ),
    "anthropic": Door(
        _at("/v1/messages"),
        _messages_body,
        hearing.messages_whole,
        hearing.messages_events,
        ("x-api-key", "authorization"),
        "end_turn",
        "tool_use",
    ),
    # The one streams events, the other an array: each of Google's two framings.
    "gemini v1beta": _GEMINI,
    "gemini v1": replace(_GEMINI, path=_gemini_path("v1", "streamGenerateContent")),
    "complete": Door(
        _at("/api/v1/complete"),
        _complete_body,
        hearing.complete_whole,
        hearing.no_events,
        ("authorization",),
        "stop",
    ),
}
STREAMING = tuple(name for name, door in DOORS.items() if not door.has_text_only)
