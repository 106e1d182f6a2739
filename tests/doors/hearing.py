"""Answers of every dialect, whole and streamed, put into the same words."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.doors.raw_http import Json, Raw


@dataclass(frozen=True, slots=True)
class Told:
    """Tokens as a dialect tells them: all of the input, all of the output; None is untold."""

    input: int
    output: int
    cached: int | None = None
    cache_written: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer: what it says, how it says that it has ended ("" if it does not), its error."""

    text: str = ""
    thought: str = ""
    calls: list[tuple[str, Json]] = field(default_factory=list)
    end: str = ""
    usage: Told | None = None
    error: str = ""
    status: int = 0


def objects_of(raw: Raw) -> list[Json]:
    """Return the objects of a body: one, those of an array, or those of events."""
    if not raw.is_json:
        return [event for event in raw.events() if isinstance(event, dict)]
    found = json.loads(raw.body)
    return found if isinstance(found, list) else [found]


def chat_whole(body: Json) -> Heard:
    """Read a chat completion."""
    if "error" in body:
        return Heard(error=body["error"]["message"])
    choice = body["choices"][0]
    message = choice["message"]
    return Heard(
        *_said([message]),
        _functions(message.get("tool_calls") or ()),
        choice["finish_reason"],
        _chat_usage(body["usage"]),
    )


def chat_chunks(raw: Raw) -> Heard:
    """Read the chunks of a chat completion; `[DONE]` alone is an end too."""
    chunks = objects_of(raw)
    choices = [choice for chunk in chunks for choice in chunk.get("choices", [])]
    deltas = [choice["delta"] for choice in choices]
    reasons = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    calls: dict[int, Json] = {}
    for piece in (piece for delta in deltas for piece in delta.get("tool_calls") or ()):
        call = calls.setdefault(piece["index"], {"function": {"name": "", "arguments": ""}})
        for name in ("name", "arguments"):
            call["function"][name] += piece["function"].get(name) or ""
    usages = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
    ends = reasons or [event for event in raw.events() if event == "[DONE]"]
    return Heard(
        *_said(deltas),
        _functions(calls.values()) if ends else [],
        "".join(ends),
        _chat_usage(usages[-1]) if usages else None,
        _error_among(chunks),
    )


def responses_whole(body: Json) -> Heard:
    """Read a response."""
    if body.get("error"):
        return Heard(error=body["error"]["message"])
    items = body["output"]
    parts = [part for item in items for part in item.get("content") or ()]
    summaries = [part for item in items for part in item.get("summary") or ()]
    calls = [
        (item["name"], json.loads(item["arguments"]))
        for item in items
        if item["type"] == "function_call"
    ]
    return Heard(
        _joined(parts, "text"),
        _joined(summaries, "text"),
        calls,
        body["status"],
        _responses_usage(body["usage"]),
    )


def responses_events(raw: Raw) -> Heard:
    """Read the events of a response: the last one has all of it."""
    events = objects_of(raw)
    for event in events:
        if event["type"] in ("response.completed", "response.incomplete"):
            return responses_whole(event["response"])
    errors = [event.get("message", "") for event in events if event["type"] == "error"]
    errors += [
        event["response"]["error"]["message"]
        for event in events
        if event["type"] == "response.failed"
    ]
    texts = [event for event in events if event["type"] == "response.output_text.delta"]
    return Heard(_joined(texts, "delta"), error="".join(errors[:1]))


def messages_whole(body: Json) -> Heard:
    """Read a message."""
    if body["type"] == "error":
        return Heard(error=body["error"]["message"])
    blocks = body["content"]
    calls = [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
    usage = _messages_usage(body["usage"])
    texts = (_joined(blocks, "text"), _joined(blocks, "thinking"))
    return Heard(*texts, calls, body["stop_reason"] or "", usage)


def messages_events(raw: Raw) -> Heard:
    """Read the events of a message; `message_stop` alone is an end too."""
    events = objects_of(raw)
    message: Json = {"type": "message", "content": [], "stop_reason": None, "usage": {}}
    arguments: dict[int, str] = {}
    for event in events:
        match event["type"]:
            case "message_start":
                message["usage"] |= event["message"]["usage"]
            case "content_block_start":
                message["content"].append(dict(event["content_block"]))
            case "content_block_delta":
                _grow(message["content"][-1], event, arguments)
            case "message_delta":
                message["usage"] |= event["usage"]
                message["stop_reason"] = event["delta"].get("stop_reason")
    is_ended = any(event["type"] == "message_stop" for event in events)
    if (error := _error_among(events)) or not is_ended:
        end = message["stop_reason"] or ("message_stop" if is_ended else "")
        return Heard(_joined(message["content"], "text"), end=end, error=error)
    for at, text in arguments.items():
        message["content"][at]["input"] = json.loads(text or "{}")
    return messages_whole(message)


def gemini_whole(body: Json) -> Heard:
    """Read a response of Gemini's."""
    return _gemini([body])


def gemini_chunks(raw: Raw) -> Heard:
    """Read chunks, as events or as an array."""
    return _gemini(objects_of(raw))


def complete_whole(body: Json) -> Heard:
    """Read an answer of our own API."""
    if "error" in body:
        return Heard(error=body["error"]["message"])
    usage = body["usage"]
    return Heard(
        body["message"]["content"],
        end=body["finish_reason"],
        usage=Told(
            usage["input_tokens"],
            usage["output_tokens"],
            usage["cached_input_tokens"],
            usage["cache_write_tokens"],
            usage["reasoning_tokens"],
        ),
    )


def no_events(raw: Raw) -> Heard:
    """Our own API does not stream."""
    raise AssertionError(raw.body)


def _gemini(chunks: list[Json]) -> Heard:
    candidates = [chunk["candidates"][0] for chunk in chunks if chunk.get("candidates")]
    parts = [part for one in candidates for part in one.get("content", {}).get("parts") or ()]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    usages = [chunk["usageMetadata"] for chunk in chunks if "usageMetadata" in chunk]
    return Heard(
        _joined([part for part in parts if not part.get("thought")], "text"),
        _joined([part for part in parts if part.get("thought")], "text"),
        [(call["name"], call.get("args") or {}) for call in calls],
        _joined(candidates, "finishReason"),
        _gemini_usage(usages[-1]) if usages else None,
        _error_among(chunks),
    )


def _said(messages: Iterable[Json]) -> tuple[str, str]:
    """Return text and thoughts of chat messages, wherever a kind of server has its thoughts."""
    text = thought = ""
    for message in messages:
        content = message.get("content") or ""
        thought += message.get("reasoning_content") or message.get("reasoning") or ""
        if isinstance(content, str):
            text += content
            continue
        # Mistral's own form, which passes as it is.
        text += _joined(content, "text")
        thought += "".join(_joined(part.get("thinking") or (), "text") for part in content)
    return text, thought


def _grow(block: Json, event: Json, arguments: dict[int, str]) -> None:
    delta = event["delta"]
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "input_json_delta":
            at = event["index"]
            arguments[at] = arguments.get(at, "") + delta["partial_json"]


def _functions(calls: Iterable[Json]) -> list[tuple[str, Json]]:
    functions = [call["function"] for call in calls]
    return [(one["name"], json.loads(one["arguments"])) for one in functions]


def _joined(records: Iterable[Json], name: str) -> str:
    return "".join(record.get(name) or "" for record in records)


def _error_among(events: Iterable[Json]) -> str:
    return "".join(event["error"]["message"] for event in events if event.get("error"))


def _chat_usage(usage: Json) -> Told:
    given, made = usage["prompt_tokens_details"], usage["completion_tokens_details"]
    total: Any = usage["total_tokens"]
    assert total == usage["prompt_tokens"] + usage["completion_tokens"]
    return Told(
        usage["prompt_tokens"],
        usage["completion_tokens"],
        given["cached_tokens"],
        given["cache_write_tokens"],
        made["reasoning_tokens"],
    )


def _responses_usage(usage: Json) -> Told:
    given, made = usage["input_tokens_details"], usage["output_tokens_details"]
    return Told(
        usage["input_tokens"],
        usage["output_tokens"],
        given["cached_tokens"],
        given["cache_write_tokens"],
        made["reasoning_tokens"],
    )


def _messages_usage(usage: Json) -> Told:
    cached = usage["cache_read_input_tokens"]
    written = usage["cache_creation_input_tokens"]
    return Told(usage["input_tokens"] + cached + written, usage["output_tokens"], cached, written)


def _gemini_usage(usage: Json) -> Told:
    thoughts = usage.get("thoughtsTokenCount", 0)
    made = usage.get("candidatesTokenCount", 0) + thoughts
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + made
    cached = usage.get("cachedContentTokenCount", 0)
    return Told(usage["promptTokenCount"], made, cached, reasoning=thoughts)
