"""Fitting a history into a window."""

from typing import Literal

import pytest

from apps.conversations.trimming import trim
from apps.conversations.types import StoredTurn
from apps.core.chat import Message


def turns(letters: str, tokens: int = 10) -> tuple[StoredTurn, ...]:
    """Return turns by their roles' first letters."""
    roles: dict[str, Literal["system", "user", "assistant"]] = {
        "s": "system",
        "u": "user",
        "a": "assistant",
    }
    return tuple(
        StoredTurn(Message(roles[letter], f"{letter}{index}"), tokens)
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
    assert [turn.message.text for turn in kept] == expected
