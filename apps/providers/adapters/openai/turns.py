"""Neutral turns as messages of OpenAI's chat dialect. Pure.

Source of the format: OpenAI's API reference, "Chat completions" (messages).
"""

import re
from collections.abc import Iterable
from typing import Any

from apps.core.chat import Part, Text, Thinking, ToolCall, ToolResult, Turn
from apps.providers.adapters.failures import not_expressible
from apps.providers.adapters.openai.content import (
    NO_TEXT,
    Spelling,
    content_of,
    images_and_files,
    texts_of,
    told_before_moved,
)
from apps.providers.adapters.openai.names import legal_id

NO_RESULT = "[the call was broken off: there is no result]"
LEGAL_NAME = re.compile(r"[^\s<|\\/>]{1,64}")

type Message = dict[str, Any]


def build_messages(turns: Iterable[Turn], spelling: Spelling | None = None) -> list[Message]:
    """Return the messages, results right after their calls; raises AttemptError."""
    thread = _Thread(spelling or Spelling())
    for turn in turns:
        thread.add(turn)
    return thread.close()


class _Thread:
    """Builds messages; what an assistant said, and the results, wait for what comes next."""

    def __init__(self, spelling: Spelling) -> None:
        self._messages: list[Message] = []
        self._spelling = spelling
        self._said: list[Part] = []
        # The open calls: their ids in the caller's words, and as they are sent.
        self._calls: dict[str, str] = {}
        self._results: dict[str, ToolResult] = {}
        # Instructions that stand between calls and their results.
        self._instructions: list[Message] = []

    def add(self, turn: Turn) -> None:
        match turn.role:
            case "assistant":
                self._add_assistant(turn)
            case "system":
                self._add_system(turn)
            case "user" | "tool":
                self._add_user(turn)

    def close(self) -> list[Message]:
        self._flush()
        last = self._messages[-1] if self._messages else {}
        is_begun = last.get("role") == "assistant" and "tool_calls" not in last
        if is_begun and self._spelling.quirks.marks_prefix:
            last["prefix"] = True
        return self._messages

    def _add_assistant(self, turn: Turn) -> None:
        if self._results:
            self._flush()
        # Some dialects have one turn for each call of several at once.
        self._said += turn.parts
        for part in turn.parts:
            if isinstance(part, ToolCall):
                self._open(part)

    def _open(self, call: ToolCall) -> None:
        if call.id in self._calls:
            message = f"two tool calls of one turn have the id {call.id!r}"
            raise not_expressible(message, param="messages")
        self._calls[call.id] = legal_id(call.id, self._spelling.quirks)

    def _add_system(self, turn: Turn) -> None:
        content = content_of(turn.parts, self._spelling)
        message = self._named({"role": self._spelling.system_role, "content": content}, turn)
        if len(self._results) < len(self._calls):
            self._instructions.append(message)
            return
        self._flush()
        if content:
            self._messages.append(message)

    def _add_user(self, turn: Turn) -> None:
        results = [part for part in turn.parts if isinstance(part, ToolResult)]
        rest = [part for part in turn.parts if not isinstance(part, ToolResult)]
        for result in results:
            if result.call_id not in self._calls:
                message = (
                    f"the tool result {result.call_id!r} answers no call of the turn before it"
                )
                raise not_expressible(message, param="messages")
            self._results[result.call_id] = result
        if rest or not results:
            moved = self._flush_calls()
            content = content_of([*moved, *rest], self._spelling)
            self._messages.append(self._named({"role": "user", "content": content}, turn))

    def _named(self, message: Message, turn: Turn) -> Message:
        if not turn.name:
            return message
        is_refused = "name" in self._spelling.quirks.refused_in_messages
        if is_refused or not LEGAL_NAME.fullmatch(turn.name):
            self._spelling.dropped.append("messages.name")
            return message
        return {**message, "name": turn.name}

    def _flush(self) -> None:
        moved = self._flush_calls()
        if moved:
            content = content_of(moved, self._spelling)
            self._messages.append({"role": "user", "content": content})

    def _flush_calls(self) -> list[Part]:
        """Write calls and results; return what must be moved from them to a user's message."""
        message = _assistant_message(self._said, self._calls, self._spelling)
        if message is not None:
            self._messages.append(message)
        moved: list[Part] = []
        for call_id, sent_id in self._calls.items():
            result = self._results.get(call_id)
            content = _result_text(result) if result else NO_RESULT
            self._messages.append({"role": "tool", "tool_call_id": sent_id, "content": content})
            moved += _moved_parts(result, sent_id) if result else ()
            if result and result.cache_control is not None:
                self._spelling.dropped.append("cache_control")
        self._messages += self._instructions
        self._said, self._calls, self._results, self._instructions = [], {}, {}, []
        return moved


def _assistant_message(
    parts: list[Part], ids: dict[str, str], spelling: Spelling
) -> Message | None:
    texts = [part for part in parts if isinstance(part, Text)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    thoughts = [part for part in parts if isinstance(part, Thinking)]
    if len(texts) + len(calls) + len(thoughts) < len(parts):
        told = "an assistant's turn is made of texts and tool calls for this provider"
        raise not_expressible(told, param="messages")
    content = content_of(texts, spelling)
    if not content and not calls:
        return None
    message: Message = {"role": "assistant", "content": content or None}
    thought = "".join(each.text for each in thoughts)
    if thought and calls and spelling.quirks.replayed_thoughts:
        message[spelling.quirks.replayed_thoughts] = thought
    elif thoughts:
        spelling.dropped.append("reasoning_content")
    if calls:
        message["tool_calls"] = [_call(call, ids[call.id], spelling) for call in calls]
    return message


def _call(call: ToolCall, sent_id: str, spelling: Spelling) -> Message:
    name, arguments = spelling.names.sent(call.name), call.arguments.strip() or "{}"
    function = {"name": name, "arguments": arguments}
    return {"id": sent_id, "type": "function", "function": function}


def _result_text(result: ToolResult) -> str:
    """Return what the tool said; the wire has no field for a failure, so the text tells it."""
    text = texts_of(result.parts)
    if not text and any(images_and_files(result.parts)):
        text = NO_TEXT
    if result.is_error and not text.lower().startswith("error"):
        return f"Error: {text}"
    return text


def _moved_parts(result: ToolResult, sent_id: str) -> list[Part]:
    """Return the images and files of a result, which only a user's message can hold."""
    moved = list(images_and_files(result.parts))
    return [Text(told_before_moved(sent_id)), *moved] if moved else []
