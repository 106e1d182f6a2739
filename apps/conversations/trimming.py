"""Fitting a history into a window: whole turns, newest first, system turns always. Pure.

A tool's result without its call is refused by every provider, so the two are never parted.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from apps.conversations.types import StoredTurn
from apps.core.chat import ToolCall, ToolResult, Turn


def trim(
    turns: Sequence[StoredTurn],
    *,
    last_turns: int,
    max_tokens: int,
    answered: Collection[str] = (),
) -> tuple[StoredTurn, ...]:
    """Return the turns that fit, in their order.

    System turns stay whatever they cost. Of the rest the newest are kept, at most `last_turns` and
    within what is left of `max_tokens`; calls of tools and their results count as tokens only, as
    one answer may take many. A turn is kept whole or dropped, nothing older than a dropped turn
    comes back, and what is left begins with the user: providers refuse a loose answer.
    A call stays with its results. `answered` are the ids of calls whose results come next: these
    calls, and what they began with, stay whatever they cost. A result whose call is not here at all
    goes: the turns may have been loaded from the middle of an answer.
    """
    turns = _without_loose_results(turns)
    first = _start(turns, _first_that_fits(turns, last_turns, max_tokens), answered)
    return tuple(
        stored for index, stored in enumerate(turns) if _is_system(stored) or index >= first
    )


def newest(turns: Sequence[StoredTurn], count: int) -> tuple[StoredTurn, ...]:
    """Return system turns and the newest `count` turns, wherever that cuts."""
    first = len(turns) - count
    return tuple(
        stored for index, stored in enumerate(turns) if _is_system(stored) or index >= first
    )


def answered_calls(turns: Iterable[Turn]) -> frozenset[str]:
    """Return the ids of calls whose results are here and which were made before these turns."""
    open_calls: set[str] = set()
    for turn in reversed(tuple(turns)):
        open_calls |= _results(turn)
        open_calls -= _calls(turn)
    return frozenset(open_calls)


def _first_that_fits(turns: Sequence[StoredTurn], last_turns: int, max_tokens: int) -> int:
    left = max_tokens - sum(stored.tokens for stored in turns if _is_system(stored))
    first, count = len(turns), 0
    for index in reversed(range(len(turns))):
        if _is_system(turns[index]):
            continue
        is_counted = not _is_of_tools(turns[index].turn)
        if (is_counted and count == last_turns) or turns[index].tokens > left:
            break
        first, count = index, count + is_counted
        left -= turns[index].tokens
    return first


def _without_loose_results(turns: Sequence[StoredTurn]) -> list[StoredTurn]:
    made: set[str] = set()
    kept = []
    for stored in turns:
        made |= _calls(stored.turn)
        if _results(stored.turn) <= made:
            kept.append(stored)
    return kept


def _start(turns: Sequence[StoredTurn], first: int, answered: Collection[str]) -> int:
    """Return where the kept turns begin: not before `first`, unless a call has to stay."""
    known = {call for stored in turns for call in _calls(stored.turn)}
    whole = list(_whole_from(turns, known.intersection(answered)))
    begins = [index for index in whole if index == len(turns) or _is_users(turns[index])]
    # A history that was cut after its user begins with a call.
    places = begins or whole
    within = [index for index in places if index >= first]
    # Else beyond the limits, but as little as can be.
    return min(within) if within else max(places, default=len(turns))


def _whole_from(turns: Sequence[StoredTurn], answered: Collection[str]) -> Iterator[int]:
    """Walk back over the places from which on every result has its call."""
    open_calls = set(answered)
    if not open_calls:
        yield len(turns)
    for index in reversed(range(len(turns))):
        open_calls |= _results(turns[index].turn)
        open_calls -= _calls(turns[index].turn)
        if not open_calls:
            yield index


def _is_of_tools(turn: Turn) -> bool:
    return turn.role == "tool" or bool(_calls(turn))


def _calls(turn: Turn) -> set[str]:
    return {part.id for part in turn.parts if isinstance(part, ToolCall)}


def _results(turn: Turn) -> set[str]:
    return {part.call_id for part in turn.parts if isinstance(part, ToolResult)}


def _is_users(stored: StoredTurn) -> bool:
    return stored.turn.role == "user"


def _is_system(stored: StoredTurn) -> bool:
    return stored.turn.role == "system"
