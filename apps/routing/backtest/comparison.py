"""A back-test: many requests under one set of rules or two, as `engine.simulate` reports it.

Everybody is healthy here: what a rule change does is told apart from what outages did.
"""

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from apps.routing.backtest.choice import NOWHERE, OUTCOMES, Choices, choose
from apps.routing.backtest.columns import Columns, Words, constant_words
from apps.routing.backtest.hashing import Array
from apps.routing.backtest.matching import NO_RULE, Matches, match
from apps.routing.engine.compile_conditions import Calendars
from apps.routing.engine.simulate import CostRange, Place, Report, Side, Unsure, report_of
from apps.routing.engine.types import Snapshot


class Ruled(NamedTuple):
    """A snapshot, with the calendars that its rules were compiled with."""

    snapshot: Snapshot
    calendars: Calendars


class Replay(NamedTuple):
    """What one snapshot says of every row."""

    snapshot: Snapshot
    matches: Matches
    choices: Choices


def replay(columns: Columns, ruled: Ruled) -> Replay:
    """Return what `decide` says of every row with an empty health."""
    healthy = all_healthy(columns)
    matches = match(healthy, ruled.snapshot, ruled.calendars)
    return Replay(ruled.snapshot, matches, choose(healthy, ruled.snapshot, matches))


def all_healthy(columns: Columns) -> Columns:
    """Return the columns with no provider down, whatever was logged."""
    nobody: Words = constant_words(columns.count, ())
    words = {**columns.words, "providers_down": nobody, "providers_degraded": nobody}
    return replace(columns, words=words)


def report(first: Replay, second: Replay | None) -> Report:
    """Return what the requests meet, and what changes under the second snapshot."""
    if second is None:
        return report_of(_side(first), None, {}, CostRange())
    moves = _moves(first.choices, second.choices)
    return report_of(_side(first), _side(second), moves, _difference(first.choices, second.choices))


def _side(side: Replay) -> Side:
    rules = [rule.id for rule in side.snapshot.rules]
    names = ["", *rules]
    choices = side.choices
    outcomes = np.bincount(choices.outcomes, minlength=len(OUTCOMES)).tolist()
    decided = np.bincount(side.matches.rules - NO_RULE, minlength=len(names)).tolist()
    unsure: Counter[Unsure] = Counter()
    for rule_id, clause, rows in side.matches.undecided:
        unsure[Unsure(rule_id, clause.field, clause.operator, clause.shown)] += rows
    return Side(
        outcomes=Counter({name: n for name, n in zip(OUTCOMES, outcomes, strict=True) if n}),
        rules=Counter({name: n for name, n in zip(names, decided, strict=True) if n}),
        cost=CostRange(*(int(part.sum()) for part in _costs(choices))),
        unsure=unsure,
    )


def _costs(choices: Choices) -> tuple[Array, Array, Array]:
    return choices.low, choices.expected, choices.high


def _moves(first: Choices, second: Choices) -> dict[tuple[Place, Place], int]:
    before, after = _places(first), _places(second)
    both = before[1].astype(np.int64) * len(after[0]) + after[1]
    counts = np.bincount(both, minlength=len(before[0]) * len(after[0])).tolist()
    pairs = [(one, other) for one in before[0] for other in after[0]]
    return {
        pair: count
        for pair, count in zip(pairs, counts, strict=True)
        if count and pair[0] != pair[1]
    }


def _places(choices: Choices) -> tuple[list[Place], Array]:
    """Return every place where a row may end, and each row's by number."""
    nowhere = [Place(outcome) for outcome in OUTCOMES]
    somewhere = [Place(OUTCOMES[0], item.model, item.id) for item in choices.deployments]
    is_nowhere = choices.codes == NOWHERE
    return (
        [*nowhere, *somewhere],
        np.where(is_nowhere, choices.outcomes, choices.codes + len(nowhere)),
    )


def _difference(first: Choices, second: Choices) -> CostRange:
    """Return the sum of each row's range, as `CostRange.change_to` takes it."""
    changes = [its - mine for mine, its in zip(_costs(first), _costs(second), strict=True)]
    return CostRange(
        int(np.minimum.reduce(changes).sum()),
        int(changes[1].sum()),
        int(np.maximum.reduce(changes).sum()),
    )
