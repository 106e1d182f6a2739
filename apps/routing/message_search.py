"""Looks for the texts of published rules in a message: words without case, patterns by RE2.

RE2 takes time in proportion to the text, whatever the pattern: none can hold a worker up.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import re2
import structlog

from apps.routing.engine.types import Pattern

# Of a longer text the end is looked at, where the newest of the conversation stands.
SEARCHED_CHARACTERS = 200_000
PATTERN_MEMORY = 1 << 20
SET_MEMORY = 32 << 20

log = structlog.get_logger(__name__)


def pattern_fault(text: str) -> str:
    """Return why a pattern cannot be used, "" when it can."""
    try:
        _compiled(text)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return ""


class MessageSearch:
    """The texts of one snapshot, compiled once; `look` says for each whether it was found."""

    def __init__(self, patterns: Mapping[str, Pattern]) -> None:
        items = patterns.items()
        self._words = [(id_, p.text.casefold()) for id_, p in items if p.operator == "contains"]
        expressions = {id_: p.text for id_, p in items if p.operator == "matches"}
        for id_ in [id_ for id_, text in expressions.items() if pattern_fault(text)]:
            # Publishing refuses it, so another version of the code let it through: its clauses
            # cannot be decided, which the trace tells.
            log.error("message_search.unusable_pattern", pattern=id_)
            del expressions[id_]
        self._expressions = _Expressions(expressions) if expressions else None

    def look(self, text: str) -> dict[str, bool]:
        """Return what was found, by id of the pattern.

        What is not in the part of an overlong text that was looked at is left out: it may stand in
        the rest, so that nobody can tell.
        """
        searched = text[-SEARCHED_CHARACTERS:]
        folded = searched.casefold() if self._words else ""
        found = {id_: word in folded for id_, word in self._words}
        if self._expressions is not None:
            found |= self._expressions.look(searched)
        is_whole = len(searched) == len(text)
        return found if is_whole else {id_: True for id_, is_there in found.items() if is_there}


class _Expressions:
    """RE2 patterns, all looked for in one pass where they fit into one automaton."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._ids: Sequence[str] = tuple(texts)
        self._single = [_compiled(text) for text in texts.values()]
        self._set = _set_of(tuple(texts.values())) if len(texts) > 1 else None

    def look(self, text: str) -> dict[str, bool]:
        # Half a surrogate pair is legal in JSON and has no UTF-8.
        data = text.encode("utf-8", "replace")
        numbers = self._set.Match(data) if self._set is not None else None
        if numbers is None or len(self._ids) not in numbers:
            # A set that ran out of memory finds nothing at all, not even what is everywhere.
            return {id_: one.search(data) is not None for id_, one in self._pairs()}
        return {id_: number in numbers for number, id_ in enumerate(self._ids)}

    def _pairs(self) -> list[tuple[str, Any]]:
        return list(zip(self._ids, self._single, strict=True))


def _set_of(texts: Sequence[str]) -> Any:
    """Return the patterns as one, then one that is found everywhere; None when they do not fit."""
    patterns = re2.Set.SearchSet(_options(SET_MEMORY))
    try:
        for text in (*texts, ""):
            patterns.Add(text)
        patterns.Compile()
    except re2.error:
        return None
    return patterns


def _compiled(text: str) -> Any:
    return re2.compile(text, _options(PATTERN_MEMORY))


def _options(memory: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    return options
