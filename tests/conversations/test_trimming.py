"""Fitting a history into a window."""

from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.conversations.trimming import answered_calls, newest, trim
from apps.conversations.types import StoredTurn
from apps.core.chat import Text, ToolCall, ToolResult, Turn


def turns(letters: str, tokens: int = 10) -> tuple[StoredTurn, ...]:
    """Return turns by their roles' first letters."""
    roles: dict[str, Literal["system", "user", "assistant"]] = {
        "s": "system",
        "u": "user",
        "a": "assistant",
    }
    return tuple(
        StoredTurn(Turn(roles[letter], (Text(f"{letter}{index}"),)), tokens)
        for index, letter in enumerate(letters)
    )


@pytest.mark.parametrize(
    ("letters", "last", "limit", "expected"),
    [
        ("uaua", 40, 1_000, ["u0", "a1", "u2", "a3"]),
        ("uaua", 2, 1_000, ["u2", "a3"]),
        ("uaua", 3, 1_000, ["u2", "a3"]),
        ("uaua", 40, 20, ["u2", "a3"]),
        ("uaua", 40, 19, []),
        ("suaua", 40, 30, ["s0", "u3", "a4"]),
        ("suaua", 40, 5, ["s0"]),
        ("uasua", 2, 1_000, ["s2", "u3", "a4"]),
        ("", 40, 10, []),
    ],
)
def test_trim__a_history__keeps_system_and_the_newest_from_a_user_on(
    letters: str, last: int, limit: int, expected: list[str]
) -> None:
    kept = trim(turns(letters), last_turns=last, max_tokens=limit)
    assert [stored.turn.as_message().text for stored in kept] == expected


# A letter is a turn: s(ystem), u(ser), a(nswer), C/D an answer that calls, c/d what was said to it.
ANY_HISTORY = st.text("suaCDcd", max_size=14)
TOOLS: dict[str, Turn] = {
    **{name: Turn("assistant", (ToolCall(name.lower(), "f", "{}"),)) for name in "CD"},
    **{name: Turn("tool", (ToolResult(name, (Text("x"),)),)) for name in "cd"},
}


def history(letters: str, tokens: Sequence[int]) -> tuple[StoredTurn, ...]:
    found = []
    for index, letter in enumerate(letters):
        spent = tokens[index % len(tokens)]
        (plain,) = turns(letter, spent) if letter in "sua" else (None,)
        # Same letter, same turn: what is told apart below is told by its place.
        found.append(plain or StoredTurn(TOOLS[letter], spent))
    return tuple(found)


def loose_results(said: Sequence[Turn]) -> list[str]:
    """Return the results whose call was not made before them."""
    made: set[str] = set()
    loose = []
    for turn in said:
        made |= {part.id for part in turn.parts if isinstance(part, ToolCall)}
        results = [part.call_id for part in turn.parts if isinstance(part, ToolResult)]
        loose += [name for name in results if name not in made]
    return loose


@given(
    ANY_HISTORY,
    st.text("ucd", min_size=1, max_size=3),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
    st.integers(0, 14),
    st.integers(0, 60),
)
def test_x4__any_history__never_parts_a_call_from_its_results(
    letters: str, asked: str, tokens: list[int], last: int, limit: int
) -> None:
    whole = history(letters, tokens)
    incoming = [stored.turn for stored in history(asked, tokens)]
    answered = answered_calls(incoming)
    kept = trim(whole, last_turns=last, max_tokens=limit, answered=answered)
    said = [stored.turn for stored in kept]
    before = [stored.turn for stored in whole]
    assert not loose_results(said)
    made = {part.id for turn in before for part in turn.parts if isinstance(part, ToolCall)}
    assert not made & set(loose_results([*said, *incoming]))
    # What is kept of the conversation is its end, but for results that nobody had asked for.
    spoken = [turn for turn in said if turn.role != "system"]
    loose = loose_results(before)
    sound = [turn for turn in before if turn.role != "system"]
    if not loose:
        assert spoken == sound[len(sound) - len(spoken) :]
    assert [turn for turn in said if turn.role == "system"] == [
        turn for turn in before if turn.role == "system"
    ]
    if not answered:
        assert len(spoken) <= last
        assert not spoken or spoken[0].role == "user"


@pytest.mark.parametrize(
    ("letters", "asked", "last", "kept"),
    [
        # An answer under way is cut off nowhere.
        ("uaCcCc", "u", 40, "uaCcCc"),
        ("uauCcDd", "u", 1, "uCcDd"),
        ("uauCcDd", "u", 0, ""),
        ("uauCcDda", "u", 2, "uCcDda"),
        # However many calls an answer took, it is one answer.
        ("u" + "Cc" * 30 + "a", "u", 2, "u" + "Cc" * 30 + "a"),
        # The results of a call that no longer fits keep it, with the question that led to it.
        ("uauCcD", "d", 1, "uCcD"),
        ("uauCD", "cd", 0, "uCD"),
        # A user who spoke in between does not begin what would leave a result loose.
        ("uCuca", "u", 2, ""),
        ("uCucau", "u", 3, "u"),
        # A history that begins within an answer, as a long one is loaded.
        ("cDdC", "c", 40, "DdC"),
        ("D", "c", 40, ""),
        # What was loose from the start is gone.
        ("dC", "c", 40, "C"),
    ],
)
def test_x4__history_with_tools__is_cut_where_everything_is_whole(
    letters: str, asked: str, last: int, kept: str
) -> None:
    whole = history(letters, [1])
    incoming = [stored.turn for stored in history(asked, [1])]
    found = trim(whole, last_turns=last, max_tokens=1_000, answered=answered_calls(incoming))
    assert [stored.turn for stored in found] == [
        stored.turn for stored in (whole[len(whole) - len(kept) :] if kept else ())
    ]


def test_newest__turns__are_system_and_the_last_ones_wherever_that_cuts() -> None:
    assert newest(turns("suaua"), 1) == turns("suaua")[:1] + turns("suaua")[-1:]
    assert newest(turns("ua"), 5) == turns("ua")
