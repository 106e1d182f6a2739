"""One response of the Responses API on its way: what it continues, its rendering, its keeping."""

from collections.abc import Mapping
from typing import Any

from apps.api_keys.types import Caller
from apps.conversations import response_threads, stored_responses
from apps.conversations.response_rows import NewResponse, Thread, may_store, parse_id
from apps.core.chat import AnswerPart, ChatRequest, ChatResponse, TokenUsage, Turn
from apps.core.errors import NotFound
from apps.gateway.wire.openai_responses import request as responses_request
from apps.gateway.wire.openai_responses.answers import Asked, parts_of, render
from apps.gateway.wire.openai_responses.items import place_of
from apps.gateway.wire.openai_responses.stream import ResponseEvents
from apps.gateway.wire.openai_responses.turns import read_turns
from apps.gateway.wire.rendering import AnswerHead


class KeptResponse:
    """Renders the one answer to `chat`, and keeps it if it shall be kept and can be."""

    def __init__(self, caller: Caller, body: Mapping[str, Any], thread: Thread) -> None:
        self.chat: ChatRequest = responses_request.parse(body, thread.turns)
        self._caller = caller
        self._thread = thread
        self._request = body
        is_stored = responses_request.wants_storing(body) and may_store(caller)
        self._asked = Asked(body, is_stored)
        self._events: ResponseEvents | None = None
        self._body: dict[str, Any] = {}
        self._parts: list[AnswerPart] = []

    def whole(self, response: ChatResponse, head: AnswerHead) -> dict[str, Any]:
        """Return the body of a whole answer."""
        self._parts, self._body = parts_of(response), render(response, head, self._asked)
        return self._body

    def streamed(self, head: AnswerHead) -> ResponseEvents:
        """Return what renders the events of a streamed answer."""
        self._events = ResponseEvents(head, self._asked)
        return self._events

    async def keep(self, usage: TokenUsage | None) -> None:
        """Store the answer, now that it is whole; it says itself whether it is stored."""
        if self._events is not None:
            self._parts, self._body = self._events.parts, self._events.body(usage)
        if not self._asked.is_stored:
            return
        answer = (Turn("assistant", tuple(self._parts)),) if self._parts else ()
        new = NewResponse(
            id=parse_id(self._body["id"], None),
            turns=(*read_turns(self._request), *answer),
            body=self._body,
            user=self.chat.user,
        )
        self._body["store"] = await stored_responses.save(self._caller, self._thread, new)


async def begun(caller: Caller, body: Mapping[str, Any]) -> KeptResponse:
    """Read a request with the history and the items that it names by their ids.

    Raises InvalidRequest, NotFound, and what `response_threads.load` raises.
    """
    previous = responses_request.previous_id_of(body)
    thread = await response_threads.load(caller, previous) if previous else Thread()
    return KeptResponse(caller, await _with_references(caller, body), thread)


async def _with_references(caller: Caller, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put the items of earlier responses where the body refers to them."""
    references = responses_request.references_of(body)
    places = {index: place_of(name) for index, name in references.items()}
    wanted = {place[0] for place in places.values() if place}
    bodies = await stored_responses.read_bodies(caller, wanted) if wanted else {}
    items: dict[int, Any] = {}
    for index, place in places.items():
        output = bodies[place[0]]["output"] if place and place[0] in bodies else []
        if place is None or place[1] >= len(output):
            raise NotFound(
                f"there is no stored item {references[index]!r} in this project: its response was"
                " not stored, or was deleted; send the item itself",
                param=f"input[{index}]",
            )
        items[index] = output[place[1]]
    return responses_request.with_items(body, items)
