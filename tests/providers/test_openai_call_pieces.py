"""Pieces of streamed tool calls as servers really send them (OO9, AO12, AO13)."""

from typing import Any

import pytest

from apps.core.chat import ToolCallDelta
from apps.providers.adapters.openai.calls import CallPieces, read_calls
from apps.providers.adapters.openai.names import ToolNames


def piece(
    index: Any = None, call_id: Any = None, name: Any = None, arguments: Any = None
) -> dict[str, Any]:
    """Return a piece without the fields that are not given."""
    given = {"name": name, "arguments": arguments}
    function = {key: value for key, value in given.items() if value is not None}
    found = {"index": index, "id": call_id, "function": function}
    return {key: value for key, value in found.items() if value is not None}


def read(*deltas: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return name and arguments of each call that the deltas make."""
    pieces = CallPieces(ToolNames())
    found: dict[int, ToolCallDelta] = {}
    for each in [delta for pieces_of in deltas for delta in pieces.read(pieces_of)] + pieces.end():
        seen = found.get(each.index, each)
        arguments = each.arguments if seen is each else seen.arguments + each.arguments
        found[each.index] = ToolCallDelta(each.index, seen.id, seen.name, arguments)
    assert sorted(found) == list(range(len(found)))
    assert len({call.id for call in found.values()}) == len(found)
    assert all(call.id for call in found.values())
    return [(found[index].name, found[index].arguments) for index in sorted(found)]


TWO = [("f", "{1}"), ("g", "{2}")]


@pytest.mark.parametrize(
    "deltas",
    [
        # OpenAI: all but arguments first, then the index alone.
        [[piece(0, "a", "f", "")], [piece(0, arguments="{1}")], [piece(1, "b", "g", "{2}")]],
        # Pieces of two calls in turn.
        [
            [piece(0, "a", "f", ""), piece(1, "b", "g", "")],
            [piece(1, arguments="{2"), piece(0, arguments="{1")],
            [piece(0, arguments="}"), piece(1, arguments="}")],
        ],
        # No index at all.
        [[piece(None, "a", "f", "{1")], [piece(arguments="}")], [piece(None, "b", "g", "{2}")]],
        # Neither index nor id.
        [[piece(name="f", arguments="{1}"), piece(name="g", arguments="{2}")]],
        # The same index for all.
        [[piece(0, "a", "f", "{1")], [piece(0, arguments="}")], [piece(0, "b", "g", "{2}")]],
        # Indexes that do not begin at 0, or count something else.
        [[piece(1, "a", "f", "{1}")], [piece(4, "b", "g", "{2")], [piece(4, arguments="}")]],
        [[piece(-1, "a", "f", "{1}")], [piece(-2, "b", "g", "{2}")]],
        # The id again with each piece, or another one.
        [[piece(0, "a", "f", "{1")], [piece(0, "a", arguments="}")], [piece(1, "b", "g", "{2}")]],
        [[piece(0, "a", "f", "{1")], [piece(0, "z", arguments="}")], [piece(1, "b", "g", "{2}")]],
    ],
)
def test_pieces__of_any_server__make_the_same_calls(deltas: list[Any]) -> None:
    assert read(*deltas) == TWO


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(None, "{}"), ("", "{}"), ({"a": 1}, '{"a":1}'), ({}, "{}"), ("{}", "{}")],
)
def test_arguments__of_any_kind__are_text(arguments: Any, expected: str) -> None:
    given = piece(0, "a", "f", arguments)
    assert read([given]) == [("f", expected)]
    message = {"tool_calls": [piece(None, "a", "f", arguments)]}
    (call,) = read_calls(message, ToolNames())
    assert (call.id, call.name, call.arguments) == ("a", "f", expected)


@pytest.mark.parametrize("pieces", [None, [], "odd", ["odd"], {}])
def test_pieces__that_are_none__are_no_calls(pieces: Any) -> None:
    assert CallPieces(ToolNames()).read(pieces) == []
    assert read_calls({"tool_calls": pieces}, ToolNames()) == []


def test_whole_call__without_an_id__gets_one_in_the_message_too() -> None:
    message: dict[str, Any] = {"tool_calls": [piece(name="f")]}
    (call,) = read_calls(message, ToolNames())
    assert call.id
    assert message["tool_calls"][0]["id"] == call.id
