"""Hard filters over many rows: what `engine.filters` keeps, and what each call may cost.

What a filter says of a word (what a request needs, where it may go) is asked of the engine once per
distinct word; only tokens, windows and money are compared here.
"""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from apps.routing.backtest.columns import Columns, Numbers
from apps.routing.backtest.hashing import Array
from apps.routing.engine.filters import (
    DEFAULT_OUTPUT_TOKENS,
    EMBEDDINGS,
    keep_candidates,
    limits_of,
    makes_vectors,
)
from apps.routing.engine.health import HEALTHY
from apps.routing.engine.pricing import worst_case_cost
from apps.routing.engine.types import Deployment, Effects, Model, RequestFacts, Snapshot

# A request that no filter would stop: what is asked about one attribute changes that one only.
ANYONE = RequestFacts(
    request_id="",
    tenant="",
    project="",
    key_id="",
    key_tags=(),
    door="",
    requested_model="",
    tags=(),
    prompt_tokens=0,
    max_output_tokens=None,
    needs=(),
    allowed_models=(),
    now_ms=0,
    is_continued=True,
)
FILTERED = (
    *("needs", "allowed_models", "allowed_regions", "data_class", "excluded_deployments"),
    "is_continued",
)


class Sizes(NamedTuple):
    """Tokens of some rows under the rules' limits; `wanted` is 0 where no limit is named.

    `likely` is the length of an answer as far as it is not limited, `choices` their number.
    """

    input: Array
    wanted: Array
    most: Array
    likely: Array
    choices: Array
    budget: Numbers

    def at(self, places: Array) -> "Sizes":
        budget = Numbers(*(column[places] for column in self.budget if column is not None))
        return Sizes(
            self.input[places],
            self.wanted[places],
            self.most[places],
            self.likely[places],
            self.choices[places],
            budget,
        )


class Offer(NamedTuple):
    """A deployment over some rows: where it may be called, and with which answer at the most.

    `usual` is the length of the answer that is likely. Tokens per minute keep nobody out: a bucket
    of which nothing is known is full, and what is larger than it goes out then.
    """

    deployment: Deployment
    is_kept: Array
    output: Array
    usual: Array
    worst_case: Array

    def at(self, places: Array) -> "Offer":
        deployment, *columns = self
        return Offer(deployment, *(column[places] for column in columns))


def sizes_of(columns: Columns, rows: Array, effects: Effects) -> Sizes:
    """Return what `engine.filters.limits_of` says of sizes."""
    numbers = {
        name: columns.numbers[name].values[rows].astype(np.int64)
        for name in ("prompt_tokens", "added_tokens", "max_output_tokens", "budget_left")
    }
    known = {name: _known(columns.numbers[name], rows) for name in numbers}
    asked, is_asked = numbers["max_output_tokens"], known["max_output_tokens"]
    cap = effects.max_output_tokens
    if cap is None:
        wanted, most = asked, np.where(is_asked, asked, DEFAULT_OUTPUT_TOKENS)
    else:
        wanted = np.minimum(asked, cap)
        most = np.where(is_asked, wanted, cap)
    return Sizes(
        input=numbers["prompt_tokens"] + numbers["added_tokens"],
        wanted=np.where(is_asked, wanted, 0),
        most=most,
        likely=_likely(columns, rows),
        choices=columns.numbers["choices"].values[rows].astype(np.int64),
        budget=Numbers(numbers["budget_left"], known["budget_left"]),
    )


def _likely(columns: Columns, rows: Array) -> Array:
    """Return what `engine.readiness` expects of deployments of which nothing is known."""
    tried = columns.words["tried_deployments"]
    now, arrived = (columns.numbers[name].values[rows] for name in ("now_ms", "arrived_ms"))
    has_failed = columns.is_given("tried_deployments")[tried.codes[rows]]
    written = np.where(has_failed, now - arrived, 0) / HEALTHY.ms_per_token
    likely: Array = np.rint(np.maximum(written, HEALTHY.mean_output_tokens))
    return likely.astype(np.int64)


def _known(column: Numbers, rows: Array) -> Array:
    return np.ones(len(rows), dtype=bool) if column.known is None else column.known[rows]


def wants_vectors(columns: Columns, rows: Array) -> Array:
    """Tell of each row whether it is an embedding, for which no size is compared."""
    needs = columns.words["needs"]
    wants = np.array([EMBEDDINGS in word for word in needs.vocabulary], dtype=bool)
    told: Array = wants[needs.codes[rows]]
    return told


class Filters:
    """The filters of one snapshot over one set of columns."""

    def __init__(self, columns: Columns, snapshot: Snapshot) -> None:
        self._columns = columns
        self._snapshot = snapshot
        self._tables: dict[Hashable, Array] = {}

    def offers(self, model: Model, rows: Array, sizes: Sizes, effects: Effects) -> list[Offer]:
        """Return the deployments of a model, with the rows for which they are kept."""
        deployments = self._snapshot.deployments.get(model.name, ())
        if not deployments:
            return []
        needed = sizes.input + np.maximum(sizes.wanted, 1)
        fits = (sizes.wanted <= model.max_output_tokens) & (needed <= model.context_window)
        fits |= wants_vectors(self._columns, rows)
        left = model.context_window - sizes.input
        asked = np.minimum(np.minimum(left, model.max_output_tokens), sizes.most)
        output = np.maximum(asked, 1)
        kept = self._kept(model.name, rows, effects) & fits
        return [
            _offer(deployment, kept[place], sizes, output)
            for place, deployment in enumerate(deployments)
        ]

    def _kept(self, model: str, rows: Array, effects: Effects) -> Array:
        """Return, per deployment and row, whether the filters on words keep it."""
        count = len(self._snapshot.deployments[model])
        found = np.ones((count, len(rows)), dtype=bool)
        for name in FILTERED:
            table = self._table(model, name, effects)
            if not table.all():
                found &= table.take(self._columns.words[name].codes[rows], axis=1)
        return found

    def _table(self, model: str, name: str, effects: Effects) -> Array:
        """Return, per deployment and word of a column, whether the engine keeps it."""
        key = (model, name, _policy(effects))
        if key not in self._tables:
            words = self._columns.words[name].vocabulary
            kept = [self._ask(model, {name: word}, effects) for word in words]
            self._tables[key] = np.array(kept, dtype=bool).T
        return self._tables[key]

    def _ask(self, model: str, changes: Mapping[str, Any], effects: Effects) -> list[bool]:
        # Asked about anything else, a model of vectors would refuse who wants none.
        usual = (EMBEDDINGS,) if makes_vectors(self._snapshot.models[model]) else ()
        anyone = replace(ANYONE, **{"needs": usual, **changes})
        limits = limits_of(anyone, effects, self._snapshot)
        kept = keep_candidates(model, limits, self._snapshot, None)
        ids = {candidate.deployment.id for candidate in kept}
        return [deployment.id in ids for deployment in self._snapshot.deployments[model]]


def _policy(effects: Effects) -> Hashable:
    """Return the part of the effects that filters on words read."""
    return effects.allow_unknown, effects.regions, effects.data_class, effects.price_cap


def _offer(deployment: Deployment, kept: Array, sizes: Sizes, output: Array) -> Offer:
    # The engine's arithmetic on whole numbers takes whole columns as well.
    worst_case: Any = worst_case_cost(deployment, *_any(sizes.input, output * sizes.choices))
    is_affordable = ~(sizes.budget.known & (worst_case > sizes.budget.values))
    usual = np.minimum(output, sizes.likely)
    return Offer(deployment, kept & is_affordable, output, usual, worst_case)


def _any(*values: Any) -> Any:
    return values
