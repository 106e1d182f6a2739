"""The OpenAI Responses dialect: what the router reads of every body. Pure.

Source of the format: OpenAI's API reference, "Responses" (create).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.core.chat import Audio, ChatDetails, ChatRequest, File, Image, Part, ToolResult, Turn
from apps.gateway.wire.fields import (
    LONGEST_NAME,
    boolean,
    metadata,
    number,
    text,
    whole,
)
from apps.gateway.wire.openai_fields import model_of, user_of
from apps.gateway.wire.openai_responses.details import read_details
from apps.gateway.wire.openai_responses.grammar import grammar_of
from apps.gateway.wire.openai_responses.turns import instructions_of, message_of, read_turns

PART_NEEDS: Mapping[type[Part], str] = {Image: "vision", Audio: "audio", File: "files"}
NO_EFFORT = ("", "none")


def parse(body: Mapping[str, Any], history: Sequence[Turn] = ()) -> ChatRequest:
    """Read a request body that continues a history; raises InvalidRequest naming the field.

    Instructions come first and are this request's own: those of earlier ones do not come again.
    """
    turns = (*instructions_of(body), *history, *read_turns(body))
    details = read_details(body, turns)
    return ChatRequest(
        model=model_of(body),
        messages=tuple(map(message_of, turns)),
        dialect="openai.responses",
        stream=boolean(body, "stream"),
        max_output_tokens=whole(body, "max_output_tokens", minimum=1),
        temperature=number(body, "temperature", minimum=0, maximum=2),
        top_p=number(body, "top_p", minimum=0, maximum=1),
        needs=frozenset(_needs(body, details)),
        user=user_of(body),
        metadata=metadata(body),
        raw=body,
        grammar=grammar_of(details),
    )


def wants_storing(body: Mapping[str, Any]) -> bool:
    """Say whether the response shall be kept; OpenAI keeps it unless told otherwise."""
    return body.get("store") is None or boolean(body, "store")


def previous_id_of(body: Mapping[str, Any]) -> str:
    """Return the id of the response that this one continues, empty when it begins anew."""
    return text(body, "previous_response_id", longest=LONGEST_NAME)


def references_of(body: Mapping[str, Any]) -> dict[int, str]:
    """Return the ids of earlier items that stand in for themselves, by place in the input."""
    items = body.get("input")
    found: dict[int, str] = {}
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict) and _is_reference(item):
            found[index] = text(item, "id", longest=LONGEST_NAME)
    return found


def with_items(body: Mapping[str, Any], items: Mapping[int, Any]) -> Mapping[str, Any]:
    """Return the body with these items at their places in the input."""
    if not items:
        return body
    given = [items.get(index, item) for index, item in enumerate(body["input"])]
    return {**body, "input": given}


def _is_reference(item: Mapping[str, Any]) -> bool:
    # The type may be left out; nothing else comes with an id and without a role.
    kind = item.get("type")
    return kind == "item_reference" or (kind is None and "id" in item and "role" not in item)


def _needs(body: Mapping[str, Any], details: ChatDetails) -> Iterator[str]:
    """Say what the request calls for, in the words of the catalogue's capabilities."""
    if boolean(body, "stream"):
        yield "streaming"
    # A conversation in which tools were called can only go on where tools are known.
    if details.tools or any(turn.role == "tool" for turn in details.turns):
        yield "tools"
    if details.answer_format is not None:
        yield "json_schema"
    if details.reasoning is not None and details.reasoning.effort not in NO_EFFORT:
        yield "reasoning"
    for turn in details.turns:
        for part in turn.parts:
            for one in part.parts if isinstance(part, ToolResult) else (part,):
                if type(one) in PART_NEEDS:
                    yield PART_NEEDS[type(one)]
