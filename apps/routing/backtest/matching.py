"""First match over many rows: what `engine.rules.first_match` says of each, rule by rule."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from apps.routing.backtest.columns import HOLDS, UNDECIDABLE, Columns
from apps.routing.backtest.conditions import Tree, TreeMaker
from apps.routing.backtest.hashing import Array
from apps.routing.backtest.rows import Rows, TagBook
from apps.routing.backtest.sources import Reader
from apps.routing.engine.compile_conditions import Calendars
from apps.routing.engine.conditions import clauses_of
from apps.routing.engine.types import Clause, Rule, Snapshot

# So many rows at once stay in the processor's cache.
CHUNK = 1 << 16
NO_RULE = -1


class Undecided(NamedTuple):
    """A clause that could not be decided for so many rows that reached its rule."""

    rule_id: str
    clause: Clause
    rows: int


@dataclass(frozen=True, slots=True)
class Matches:
    """What the rules say of each row.

    `rules` is the place of the deciding rule in the snapshot's order, or NO_RULE. `applied` is a
    code: `applied_sets[code]` are the places of the rules that applied and went on, in order.
    """

    rules: Array
    applied: Array
    applied_sets: Sequence[tuple[int, ...]]
    undecided: tuple[Undecided, ...]


def match(columns: Columns, snapshot: Snapshot, calendars: Calendars) -> Matches:
    """Return the first rule that holds for each row; `calendars` are those it was compiled with."""
    matcher = _Matcher(columns, snapshot.rules, calendars)
    tags = TagBook(columns)
    for start in range(0, columns.count, CHUNK):
        matcher.match(Rows.of(columns, tags, start, start + CHUNK))
    return matcher.matches()


class _Scope:
    """Whether a rule looks at a row at all: its key, its project, its schedule."""

    def __init__(self, rule: Rule, columns: Columns) -> None:
        self._rule = rule
        names = [(name, word) for name, word in (("project", rule.project), ("key_id", rule.key))]
        self._codes = [(name, _code(columns, name, word)) for name, word in names if word]

    def holds(self, rows: Rows) -> Array:
        found = np.ones(len(rows), dtype=bool)
        for name, code in self._codes:
            found &= rows.codes(name) == code
        start, end = self._rule.active_from_ms, self._rule.active_until_ms
        if start is not None:
            found &= rows.numbers("now_ms").values >= start
        if end is not None:
            found &= rows.numbers("now_ms").values < end
        return found


def _code(columns: Columns, name: str, word: str) -> int:
    """Return the code of a word, one that no row has when there is none."""
    vocabulary = columns.words[name].vocabulary
    return vocabulary.index(word) if word in vocabulary else len(vocabulary)


class _Step(NamedTuple):
    """One rule, ready for columns."""

    place: int
    rule: Rule
    scope: _Scope | None
    tree: Tree


class _Matcher:
    """Takes rows through the rules and keeps what they say."""

    def __init__(self, columns: Columns, rules: Sequence[Rule], calendars: Calendars) -> None:
        reader = Reader(columns, calendars)
        self._steps = [
            _Step(
                place,
                rule,
                _Scope(rule, columns) if rule.is_guarded else None,
                TreeMaker(reader, rule.id).tree(rule.condition),
            )
            for place, rule in enumerate(rules)
        ]
        self._rules = np.full(columns.count, NO_RULE, dtype=np.int32)
        self._applied = np.zeros(columns.count, dtype=np.int32)
        self._sets: dict[tuple[int, ...], int] = {(): 0}
        self._unsure: list[Counter[int]] = [Counter() for _ in rules]

    def matches(self) -> Matches:
        undecided = [
            Undecided(step.rule.id, clause, counts[number])
            for step, counts in zip(self._steps, self._unsure, strict=True)
            for number, clause in enumerate(clauses_of(step.rule.condition))
            if counts[number]
        ]
        return Matches(self._rules, self._applied, list(self._sets), tuple(undecided))

    def match(self, rows: Rows) -> None:
        is_open = np.ones(len(rows), dtype=bool)
        for step in self._steps:
            asked = is_open & step.scope.holds(rows) if step.scope else is_open
            held = self._try(step, rows, asked)
            if not len(held):
                continue
            if step.rule.action == "continue":
                self._go_on(step, rows, held)
                continue
            self._rules[rows.places[held]] = step.place
            is_open[held] = False
            left = int(np.count_nonzero(is_open))
            if not left:
                return
            if 2 * left < len(rows):
                rows, is_open = rows.take(np.flatnonzero(is_open)), np.ones(left, dtype=bool)

    def _try(self, step: _Step, rows: Rows, asked: Array) -> Array:
        """Return for which of the rows asked the rule holds."""
        count = int(np.count_nonzero(asked))
        if 2 * count >= len(rows):
            return self._holding(step, rows, asked)
        # Few of them: it is cheaper to look at those alone.
        chosen = np.flatnonzero(asked)
        if not count:
            return chosen
        held = self._holding(step, rows.take(chosen), np.ones(count, dtype=bool))
        return chosen.take(held)

    def _holding(self, step: _Step, rows: Rows, asked: Array) -> Array:
        verdicts = step.tree.verdicts(rows)
        unsure = np.flatnonzero((verdicts == UNDECIDABLE) & asked)
        if len(unsure):
            step.tree.blame(rows.take(unsure), self._unsure[step.place])
        return np.flatnonzero((verdicts == HOLDS) & asked)

    def _go_on(self, step: _Step, rows: Rows, held: Array) -> None:
        """Note that the rule applied, and let later rules see its tags."""
        places = rows.places[held]
        names = list(self._sets)
        distinct, codes = np.unique(self._applied[places], return_inverse=True)
        longer = [(*names[code], step.place) for code in distinct.tolist()]
        codes_of = [self._sets.setdefault(item, len(self._sets)) for item in longer]
        self._applied[places] = np.array(codes_of, dtype=np.int32)[codes]
        if step.rule.effects.tags:
            rows.add_tags(held, step.rule.effects.tags)
