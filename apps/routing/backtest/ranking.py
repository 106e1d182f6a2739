"""The balancer over many rows: which of the deployments on offer is called first.

The formula is that of `engine.load_balancer` for deployments of which nothing is known: the times
of `HEALTHY`, no load, no errors; so only length, price, affinity and luck tell them apart.
"""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from apps.routing.backtest.columns import Columns
from apps.routing.backtest.eligibility import Offer, Sizes
from apps.routing.backtest.hashing import Array, luck, mix, spread
from apps.routing.engine.hashing import spread as spread_one
from apps.routing.engine.health import HEALTHY
from apps.routing.engine.load_balancer import (
    BALANCED,
    LEAST_AFFINITY,
    LEAST_COST,
    MOST_COMPARED,
    SLOWEST_FACTOR,
    TIE_SHARE,
)
from apps.routing.engine.pricing import TOKENS_PER_PRICE_UNIT
from apps.routing.engine.types import Choice, Deployment


class Ranked(NamedTuple):
    """Which offer is first in each row, and what the call is likely to cost there."""

    first: Array
    expected_cost: Array


class Ranker:
    """Ranks offers; `draws` are hashed from the seeds once."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._draws: Array | None = None
        self._homes: dict[Hashable, Array] = {}

    def rank(
        self, offers: Sequence[Offer], ready: Array, rows: Array, sizes: Sizes, choice: Choice
    ) -> Ranked:
        """Return the first of those that are ready, of which every row has one."""
        costs = np.stack([_cost(offer, sizes, 0) for offer in offers])
        everyone = np.arange(len(rows))
        if len(offers) == 1:
            return Ranked(np.zeros(len(rows), dtype=np.intp), costs[0])
        prefix = self._columns.numbers["prefix_tokens"].values[rows].astype(np.int64)
        cached = np.stack([_cost(offer, sizes, prefix) for offer in offers])
        is_home = self._homes_of(offers, ready, rows, choice)
        if choice.strategy == "cheapest":
            costs = np.where(is_home, cached, costs)
            scores: Any = costs.astype(np.float64)
        else:
            usual = np.stack([offer.usual for offer in offers])
            scores = _seconds(usual) * _price(costs, choice)
            stay = _stay(costs, cached, choice)
            late = _late(_seconds(usual), ready) if choice.price_weight else 1.0
            scores = np.where(is_home, scores * stay, scores * late)
        draws = self._drawn()[rows]
        scores = np.where(ready, scores * _ties(offers, draws), np.inf)
        first = _first(scores, ready, draws)
        return Ranked(first, costs[first, everyone])

    def _drawn(self) -> Array:
        if self._draws is None:
            self._draws = spread("", self._columns.seeds)
        return self._draws

    def _homes_of(
        self, offers: Sequence[Offer], ready: Array, rows: Array, choice: Choice
    ) -> Array:
        """Return which offer is each row's home: where a stable hash puts its conversation."""
        if not choice.affinity:
            return np.zeros(ready.shape, dtype=bool)
        name = "conversation" if choice.affinity == "conversation" else "prefix"
        codes = self._columns.words[name].codes[rows]
        wishes = np.stack([self._wishes(name, offer.deployment)[codes] for offer in offers])
        home = np.argmax(np.where(ready, wishes, -1.0), axis=0)
        has_home = self._columns.is_given(name)[codes] & (ready.sum(axis=0) > 1)
        found: Array = (np.arange(len(offers))[:, None] == home) & has_home
        return found

    def _wishes(self, name: str, deployment: Deployment) -> Array:
        key = (name, deployment.id)
        if key not in self._homes:
            units = self._columns.texts(name)
            self._homes[key] = luck(spread("", units), spread_one(deployment.id))
        return self._homes[key]


def _cost(offer: Offer, sizes: Sizes, cached_tokens: Any) -> Array:
    """Return `engine.pricing.expected_cost`."""
    return cost_of(offer.deployment, sizes.input, offer.usual * sizes.choices, cached_tokens)


def cost_of(deployment: Deployment, prompt: Array, output: Any, cached_tokens: Any) -> Array:
    """Return `engine.pricing.expected_cost` for whole columns."""
    cached = np.minimum(cached_tokens, prompt)
    weighted = (
        (prompt - cached) * deployment.input_price
        + cached * deployment.cached_input_price
        + output * deployment.output_price
    )
    cost: Array = -(-weighted // TOKENS_PER_PRICE_UNIT)
    return cost


def _seconds(usual: Array) -> Array:
    seconds: Array = (HEALTHY.ttft_ms + usual * HEALTHY.ms_per_token) / 1_000
    return seconds


def _late(seconds: Array, ready: Array) -> Array:
    """Return what counts against those that take far longer than the fastest."""
    slowest = SLOWEST_FACTOR * np.where(ready, seconds, np.inf).min(axis=0)
    late: Array = np.maximum(seconds / slowest, 1.0) ** 2
    return late


def _price(costs: Array, choice: Choice) -> Array:
    price: Array = np.maximum(costs, LEAST_COST) ** (choice.price_weight / BALANCED)
    return price


def _stay(costs: Array, cached: Array, choice: Choice) -> Array:
    power = max(choice.price_weight / BALANCED, 1.0)
    kept: Array = (np.maximum(cached, LEAST_COST) / np.maximum(costs, LEAST_COST)) ** power
    stay: Array = np.minimum(kept, 1 - LEAST_AFFINITY)
    return stay


def _ties(offers: Sequence[Offer], draws: Array) -> Array:
    parts = np.stack([luck(draws, spread_one(offer.deployment.id)) for offer in offers])
    ties: Array = 1 + TIE_SHARE * parts
    return ties


def _first(scores: Array, ready: Array, draws: Array) -> Array:
    """Return the best, or the better of two drawn ones where too many compete."""
    best: Array = np.argmin(scores, axis=0)
    count = ready.sum(axis=0).astype(np.uint64)
    crowded = np.flatnonzero(count > MOST_COMPARED)
    if len(crowded):
        drawn, size = draws[crowded], count[crowded]
        first = drawn % size
        second = (first + np.uint64(1) + mix(drawn) % (size - np.uint64(1))) % size
        order = np.argsort(scores[:, crowded], axis=0, kind="stable")
        better = np.minimum(first, second).astype(np.intp)
        best[crowded] = order[better, np.arange(len(crowded))]
    return best
