"""The chosen model over many rows: what `engine.request_router.decide` says with everyone healthy.

Rows are taken together that follow the same rules to the same plan; the plan itself is asked of the
engine, for one of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from apps.routing.backtest.columns import Columns, Words, joined
from apps.routing.backtest.draws import drawn_places
from apps.routing.backtest.eligibility import (
    ANYONE,
    Filters,
    Offer,
    Sizes,
    sizes_of,
    wants_vectors,
)
from apps.routing.backtest.facts import facts_at
from apps.routing.backtest.hashing import Array
from apps.routing.backtest.matching import NO_RULE, Matches
from apps.routing.backtest.ranking import Ranker, cost_of
from apps.routing.engine.filters import successor_of
from apps.routing.engine.request_router import (
    NO_CHOICE,
    gives_meaning,
    requested_models,
    vector_model,
)
from apps.routing.engine.rules import NO_EFFECTS, merge_effects
from apps.routing.engine.strategies import Plan, plan_for
from apps.routing.engine.types import Choice, Deployment, Effects, Outcome, Rule, Snapshot

OUTCOMES: tuple[Outcome, ...] = ("route", "reject", "unknown_model", "ineligible")
ROUTE, REJECT, UNKNOWN_MODEL, INELIGIBLE = range(len(OUTCOMES))
NOWHERE = -1
# So many rows at once: tables of deployments by rows stay small.
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Choices:
    """Where each row goes: `deployments[code]`, or NOWHERE; costs in micro-dollars.

    `low` is the prompt alone with its prefix in the cache, `high` the most the call can cost.
    """

    outcomes: Array
    codes: Array
    deployments: Sequence[Deployment]
    low: Array
    expected: Array
    high: Array


class _Way(NamedTuple):
    """Rows that the same rules apply to."""

    rule: Rule | None
    effects: Effects
    rows: Array


def choose(columns: Columns, snapshot: Snapshot, matches: Matches) -> Choices:
    """Return the first deployment to call for each row, as `decide` says with an empty health."""
    chooser = _Chooser(columns, snapshot)
    for way in _ways(snapshot, matches):
        chooser.follow(way)
    return chooser.choices


def _ways(snapshot: Snapshot, matches: Matches) -> Iterator[_Way]:
    """Yield the rows by what applies to them."""
    codes = (matches.rules.astype(np.int64) - NO_RULE) * len(matches.applied_sets) + matches.applied
    for code, rows in _grouped(codes):
        place, applied = divmod(code, len(matches.applied_sets))
        effects = NO_EFFECTS
        for number in matches.applied_sets[applied]:
            effects = merge_effects(effects, snapshot.rules[number].effects)
        rule = snapshot.rules[place + NO_RULE] if place else None
        yield _Way(rule, merge_effects(effects, rule.effects) if rule else effects, rows)


def _grouped(codes: Array) -> Iterator[tuple[int, Array]]:
    """Yield each code with the places where it stands."""
    if not len(codes):
        return
    # Small numbers are sorted by counting.
    small = codes.astype(np.min_scalar_type(int(codes.max())))
    order = np.argsort(small, kind="stable")
    in_order = small[order]
    starts = np.flatnonzero(in_order[1:] != in_order[:-1]) + 1
    for part in np.split(order, starts):
        yield int(codes[part[0]]), part


def _asked(columns: Columns, snapshot: Snapshot) -> Words:
    """Return the models that each row's name stands for; None: that name is unknown."""
    pairs = joined(columns.words["requested_model"], columns.words["allowed_models"])
    asked = [
        requested_models(replace(ANYONE, requested_model=name, allowed_models=allowed), snapshot)
        for name, allowed in pairs.vocabulary
    ]
    vocabulary = list(dict.fromkeys(asked))
    codes = np.array([vocabulary.index(names) for names in asked], dtype=np.uint16)
    return Words(codes[pairs.codes], vocabulary)


class _Chooser:
    """Fills the choices, way by way."""

    def __init__(self, columns: Columns, snapshot: Snapshot) -> None:
        self._columns = columns
        self._snapshot = snapshot
        self._filters = Filters(columns, snapshot)
        self._ranker = Ranker(columns)
        self._asked = _asked(columns, snapshot)
        self._is_known = np.array([names is not None for names in self._asked.vocabulary])
        deployments = [item for items in snapshot.deployments.values() for item in items]
        self._codes = {item.id: code for code, item in enumerate(deployments)}
        self.choices = Choices(
            np.full(columns.count, INELIGIBLE, dtype=np.uint8),
            np.full(columns.count, NOWHERE, dtype=np.int32),
            deployments,
            *(np.zeros(columns.count, dtype=np.int64) for _ in range(3)),
        )

    def follow(self, way: _Way) -> None:
        """Choose for the rows of one way."""
        rule, names_targets = way.rule, False
        if rule is not None and rule.action == "reject":
            self.choices.outcomes[way.rows] = REJECT
            return
        way = self._without_vectors(way)
        if rule is not None:
            names_targets = bool(rule.choice.targets or rule.choice.arms)
        choice = rule.choice if rule and names_targets else NO_CHOICE
        for plan, rows in self._plans(way, names_targets=names_targets):
            for start in range(0, len(rows), CHUNK):
                self._fill(plan, choice, way.effects, rows[start : start + CHUNK])

    def _without_vectors(self, way: _Way) -> _Way:
        """Choose for the rows that want vectors, which stay with one model; return the others."""
        is_vector = wants_vectors(self._columns, way.rows)
        if not is_vector.any():
            return way
        for code, places in _grouped(self._asked.codes[way.rows[is_vector]]):
            names, rows = self._asked.vocabulary[code], way.rows[is_vector][places]
            if names is None:
                self.choices.outcomes[rows] = UNKNOWN_MODEL
            else:
                plan = plan_for(None, vector_model(names, self._snapshot), ANYONE)
                self._fill(plan, NO_CHOICE, way.effects, rows)
        return way._replace(rows=way.rows[~is_vector])

    def _plans(self, way: _Way, *, names_targets: bool) -> Iterator[tuple[Plan, Array]]:
        """Yield the rows by their plan; those that ask for an unknown name get none."""
        rule = way.rule if names_targets else None
        if rule is not None and gives_meaning(rule):
            yield from self._drawn(rule, way.rows)
            return
        asked = self._asked.codes[way.rows]
        is_known = self._is_known[asked]
        self.choices.outcomes[way.rows[~is_known]] = UNKNOWN_MODEL
        known = way.rows[is_known]
        if rule is not None:
            yield from self._drawn(rule, known)
            return
        for code, places in _grouped(asked[is_known]):
            yield plan_for(way.rule, self._asked.vocabulary[code], ANYONE), known[places]

    def _drawn(self, rule: Rule, rows: Array) -> Iterator[tuple[Plan, Array]]:
        """Yield the rows by what is drawn for them, if the rule draws."""
        places = drawn_places(self._columns, rule, rows)
        for _, chosen in _grouped(places):
            yield plan_for(rule, (), facts_at(self._columns, int(rows[chosen[0]]))), rows[chosen]

    def _fill(self, plan: Plan, choice: Choice, effects: Effects, rows: Array) -> None:
        """Ask those that did not fail in this request; the others only where nobody else is."""
        rest = self._ask(plan, choice, effects, rows, is_again=False)
        if any(self._columns.words["tried_deployments"].vocabulary):
            self._ask(plan, choice, effects, rest, is_again=True)

    def _ask(
        self, plan: Plan, choice: Choice, effects: Effects, rows: Array, *, is_again: bool
    ) -> Array:
        """Take the first group that has somebody to call, row by row; return who met nobody."""
        for names in plan.groups:
            # Asked in an earlier group, a model says the same again: that does no harm.
            targets = dict.fromkeys(successor_of(name, self._snapshot) for name in names)
            sizes = sizes_of(self._columns, rows, effects)
            offers = self._offers(targets, rows, sizes, effects)
            if not offers or not len(rows):
                continue
            kept = np.stack([offer.is_kept for offer in offers])
            asked = kept & (self._tried(offers, rows) == is_again)
            self._settle(offers, asked, rows, sizes, choice)
            rows = rows[~asked.any(axis=0)]
        return rows

    def _offers(
        self, names: Iterable[str], rows: Array, sizes: Sizes, effects: Effects
    ) -> list[Offer]:
        models = [self._snapshot.models[name] for name in names if name in self._snapshot.models]
        return [
            offer for model in models for offer in self._filters.offers(model, rows, sizes, effects)
        ]

    def _tried(self, offers: Sequence[Offer], rows: Array) -> Array:
        """Return who failed in this request already."""
        tried = self._columns.words["tried_deployments"]
        table = [[offer.deployment.id in word for word in tried.vocabulary] for offer in offers]
        found: Array = np.array(table).take(tried.codes[rows], axis=1)
        return found

    def _settle(
        self, offers: Sequence[Offer], ready: Array, rows: Array, sizes: Sizes, choice: Choice
    ) -> None:
        """Write down where rows go that have somebody to call."""
        has_ready = ready.any(axis=0)
        if not has_ready.all():
            chosen = np.flatnonzero(has_ready)
            few, here = [offer.at(chosen) for offer in offers], rows[chosen]
            if len(chosen):
                self._settle(few, ready[:, chosen], here, sizes.at(chosen), choice)
            return
        first, expected = self._ranker.rank(offers, ready, rows, sizes, choice)
        prefix = self._columns.numbers["prefix_tokens"].values[rows].astype(np.int64)
        choices = self.choices
        choices.outcomes[rows] = ROUTE
        choices.expected[rows] = expected
        for place, offer in enumerate(offers):
            mine = np.flatnonzero(first == place)
            where = rows[mine]
            choices.codes[where] = self._codes[offer.deployment.id]
            choices.high[where] = offer.worst_case[mine]
            choices.low[where] = cost_of(offer.deployment, sizes.input[mine], 0, prefix[mine])
