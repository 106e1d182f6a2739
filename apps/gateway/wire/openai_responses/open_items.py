"""Items of a streamed response between `output_item.added` and `output_item.done`. Pure.

Source of the format: OpenAI's API reference, "Responses" (streaming events).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, override

import orjson

from apps.core.chat import AnswerPart, Text, Thinking, ToolCall, ToolCallDelta
from apps.gateway.wire.openai_responses.items import (
    item_id,
    output_item,
    output_text,
    summary_text,
)

type Step = dict[str, Any]
FIRST = {"content_index": 0}
SUMMARY = {"summary_index": 0}
NO_ARGUMENTS = "{}"


class OpenItem[P: AnswerPart](ABC):
    """One item, its id and place; `part` is what was said of it so far."""

    def __init__(self, part: P, token: str, place: int) -> None:
        self.part = part
        self.is_open = True
        self._status = "completed"
        self._name = item_id(part, token, place)
        self._place = place

    @abstractmethod
    def begin(self) -> Iterator[Step]:
        """Add the item, with nothing in it."""

    @abstractmethod
    def _ending(self) -> Iterator[Step]:
        """Say once more, whole, what the item holds."""

    def finish(self, status: str = "completed") -> Iterator[Step]:
        """End the item; a second time says nothing."""
        if not self.is_open:
            return
        self.is_open, self._status = False, status
        yield from self._ending()
        yield self._of_item("done", self.item)

    @property
    def item(self) -> dict[str, Any]:
        """The item as it stands."""
        return output_item(self.part, self._name, status=self._status)

    def broken(self) -> dict[str, Any]:
        """Return the item as it stands in a response that failed."""
        if self.is_open:
            self._status = "incomplete"
        return self.item

    def _of_item(self, what: str, item: dict[str, Any]) -> Step:
        kind = f"response.output_item.{what}"
        return {"type": kind, "output_index": self._place, "item": item}

    def _step(self, kind: str, **fields: Any) -> Step:
        place = {"item_id": self._name, "output_index": self._place}
        return {"type": f"response.{kind}", **place, **fields}


class OpenMessage(OpenItem[Text]):
    """A message of one text."""

    def __init__(self, token: str, place: int) -> None:
        super().__init__(Text(""), token, place)
        self._logprobs: list[Any] = []

    @override
    def begin(self) -> Iterator[Step]:
        yield self._of_item("added", {**self.item, "status": "in_progress", "content": []})
        yield self._step("content_part.added", **FIRST, part=output_text(""))

    def add(self, text: str, logprobs: Iterable[Any]) -> Iterator[Step]:
        told = list(logprobs)
        self._logprobs += told
        self.part = Text(self.part.text + text)
        yield self._step("output_text.delta", **FIRST, delta=text, logprobs=told)

    @property
    @override
    def item(self) -> dict[str, Any]:
        return output_item(self.part, self._name, status=self._status, logprobs=self._logprobs)

    @override
    def _ending(self) -> Iterator[Step]:
        text, logprobs = self.part.text, self._logprobs
        yield self._step("output_text.done", **FIRST, text=text, logprobs=logprobs)
        yield self._step("content_part.done", **FIRST, part=output_text(text, logprobs))


class OpenThought(OpenItem[Thinking]):
    """A thought, told as the one summary of its reasoning."""

    def __init__(self, token: str, place: int) -> None:
        super().__init__(Thinking(), token, place)

    @override
    def begin(self) -> Iterator[Step]:
        yield self._of_item("added", self.item)

    def add(self, text: str) -> Iterator[Step]:
        if not self.part.text:
            yield self._summary("part.added", part=summary_text(""))
        self.part = replace(self.part, text=self.part.text + text)
        yield self._summary("text.delta", delta=text)

    def sign(self, thought: Thinking) -> Iterator[Step]:
        """Take the whole thought, which some providers tell without any piece before it."""
        if thought.text and not self.part.text:
            yield from self.add(thought.text)
        self.part = thought
        yield from self.finish()

    @override
    def _ending(self) -> Iterator[Step]:
        text = self.part.text
        if text:
            yield self._summary("text.done", text=text)
            yield self._summary("part.done", part=summary_text(text))

    def _summary(self, kind: str, **fields: Any) -> Step:
        return self._step(f"reasoning_summary_{kind}", **SUMMARY, **fields)


class OpenCall(OpenItem[ToolCall]):
    """A call of a function."""

    def __init__(self, first: ToolCallDelta, token: str, place: int) -> None:
        call = ToolCall(first.id, first.name, "", first.signature, first.origin)
        super().__init__(call, token, place)

    @property
    def is_whole(self) -> bool:
        """Say whether the arguments are complete JSON, so that no more can follow."""
        try:
            orjson.loads(self.part.arguments)
        except orjson.JSONDecodeError:
            return False
        return True

    @override
    def begin(self) -> Iterator[Step]:
        yield self._of_item("added", {**self.item, "status": "in_progress", "arguments": ""})

    def add(self, arguments: str) -> Iterator[Step]:
        if arguments:
            self.part = replace(self.part, arguments=self.part.arguments + arguments)
            yield self._step("function_call_arguments.delta", delta=arguments)

    @override
    def _ending(self) -> Iterator[Step]:
        if not self.part.arguments.strip():
            yield from self.add(NO_ARGUMENTS)
        told = {"name": self.part.name, "arguments": self.part.arguments}
        yield self._step("function_call_arguments.done", **told)
