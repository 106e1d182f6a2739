"""Draws over many rows: the sides of experiments and splits, as `engine.strategies` draws them."""

from collections.abc import Sequence

import numpy as np

from apps.routing.backtest.columns import Columns
from apps.routing.backtest.hashing import Array, fractions
from apps.routing.engine.strategies import DRAW
from apps.routing.engine.types import Rule, Unit

# What stays on one side, the last that is given; else the request itself.
UNITS: dict[Unit, tuple[str, ...]] = {
    "conversation": ("user", "conversation"),
    "user": ("user",),
    "request": (),
}


def drawn_places(columns: Columns, rule: Rule, rows: Array) -> Array:
    """Return the place drawn among the rule's arms or weighted targets; 0: it does not draw."""
    choice = rule.choice
    weights = [arm.weight for arm in choice.arms]
    if not weights and choice.strategy == "weighted":
        weights = [target.weight for target in choice.targets]
    if not weights:
        return np.zeros(len(rows), dtype=np.uint8)
    return _drawn(_points(columns, rule, rows), weights)


def _drawn(points: Array, weights: Sequence[int]) -> Array:
    points = points * sum(weights)
    found = np.full(len(points), len(weights) - 1, dtype=np.uint16)
    is_open = np.ones(len(points), dtype=bool)
    for place, weight in enumerate(weights):
        # One subtraction after the other, as the engine does: a sum would be rounded otherwise.
        points -= weight
        found[is_open & (points < 0)] = place
        is_open &= points >= 0
    return found


def _points(columns: Columns, rule: Rule, rows: Array) -> Array:
    """Return the fraction of each row's unit."""
    salt = f"{DRAW}|{rule.id}"
    points = np.zeros(len(rows))
    is_own = np.ones(len(rows), dtype=bool)
    for name in UNITS[rule.choice.unit]:
        codes = columns.words[name].codes[rows]
        is_named = columns.is_given(name)[codes]
        points = np.where(is_named, fractions(salt, columns.texts(name))[codes], points)
        is_own &= ~is_named
    own = np.flatnonzero(is_own)
    points[own] = fractions(salt, columns.request_ids.at(rows[own]))
    return points
