"""Fitting a history into a window: whole turns, newest first, system messages always. Pure."""

from collections.abc import Sequence

from apps.conversations.types import StoredTurn


def trim(
    turns: Sequence[StoredTurn], *, last_turns: int, max_tokens: int
) -> tuple[StoredTurn, ...]:
    """Return the turns that fit, in their order.

    System messages stay whatever they cost. Of the rest the newest are kept, at most `last_turns`
    and within what is left of `max_tokens`; a turn is kept whole or dropped, nothing older than a
    dropped turn comes back, and what is left begins with the user: providers refuse a loose answer.
    """
    left = max_tokens - sum(turn.tokens for turn in turns if _is_system(turn))
    kept: set[int] = set()
    for index in reversed(range(len(turns))):
        turn = turns[index]
        if _is_system(turn):
            continue
        if len(kept) == last_turns or turn.tokens > left:
            break
        kept.add(index)
        left -= turn.tokens
    for index in sorted(kept):
        if turns[index].message.role == "user":
            break
        kept.discard(index)
    return tuple(turn for index, turn in enumerate(turns) if _is_system(turn) or index in kept)


def _is_system(turn: StoredTurn) -> bool:
    return turn.message.role == "system"
