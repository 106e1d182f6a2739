"""Loading: what goes into columns comes out of them, and what cannot be kept exactly is refused."""

from collections.abc import Iterable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.routing.backtest import columns as module
from apps.routing.backtest.columns import (
    MOST_EXACT,
    Columns,
    Numbers,
    Words,
    columns_of,
    joined,
)
from apps.routing.backtest.facts import columns_of_facts, facts_at
from apps.routing.engine.types import LocalTime
from tests.engine.records import NOW, make_facts
from tests.routing.backtest.random_rules import random_facts

COUNT = 3
REQUIRED: dict[str, list[Any]] = {
    "request_id": ["r0", "r1", "r2"],
    "tenant": ["acme"] * COUNT,
    "project": ["support", "sales", "support"],
    "key_id": ["key-1"] * COUNT,
    "key_tags": [()] * COUNT,
    "door": ["chat"] * COUNT,
    "requested_model": [""] * COUNT,
    "tags": [["vip"], (), ["vip"]],
    "prompt_tokens": [1, 2, 3],
    "max_output_tokens": [None, 0, 5],
    "needs": [()] * COUNT,
    "allowed_models": [()] * COUNT,
    "now_ms": [NOW] * COUNT,
}


def load(**changes: Any) -> Columns:
    return columns_of(COUNT, {**REQUIRED, **changes})


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9))
def test_facts__of_any_request__come_out_as_they_went_in(seed: int) -> None:
    rng = Random(seed)
    facts = [random_facts(rng, number) for number in range(5)]
    columns = columns_of_facts(facts)
    assert [facts_at(columns, row) for row in range(len(facts))] == facts


def test_columns__of_plain_lists__are_those_of_the_same_facts() -> None:
    moment = LocalTime("2026-12-24", 90, 3)
    more: dict[str, Iterable[Any]] = {
        "metadata.plan": ["gold", None, ""],
        "header.x-team": iter(["a", None, "b"]),
        "patterns.abc": [True, None, False],
        "local_time": [moment, None, moment],
        "user": (name for name in ("Ana", "", "Ana")),
    }
    columns = load(**more)
    second = facts_at(columns, 1)
    assert second == make_facts(
        request_id="r1", project="sales", prompt_tokens=2, max_output_tokens=0
    )
    first = facts_at(columns, 0)
    assert (first.tags, first.max_output_tokens, first.user) == (("vip",), None, "Ana")
    assert (first.metadata, first.headers) == ({"plan": "gold"}, {"x-team": "a"})
    assert (first.patterns, first.local_time) == ({"abc": True}, moment)
    assert facts_at(columns, 2).metadata == {"plan": ""}
    assert facts_at(columns, 2).patterns == {"abc": False}


def test_columns__made_before__are_taken_as_they_are() -> None:
    codes = np.array([1, 0, 1], dtype=np.uint8)
    tokens = Numbers(np.array([7, 8, 9]), np.array([True, False, True]))
    found = np.array([0, 1, 2], dtype=np.uint8)
    columns = load(
        project=Words(codes, ["a", "b"]),
        max_output_tokens=tokens,
        request_id=load().request_ids,
        **{"patterns.abc": found},
    )
    assert columns.words["project"].codes is codes
    assert columns.patterns["abc"] is found
    facts = [facts_at(columns, row) for row in range(COUNT)]
    assert [item.project for item in facts] == ["b", "a", "b"]
    assert [item.max_output_tokens for item in facts] == [7, None, 9]
    assert [item.request_id for item in facts] == REQUIRED["request_id"]


def test_columns__that_are_not_given__take_no_memory() -> None:
    columns = load()
    # Texts of 2 bytes with their lengths, eleven columns of a byte, three of numbers and a mask.
    assert columns.nbytes == COUNT * ((2 + 4) + (9 + 1) + (4 + 4 + 8) + 1)
    assert columns.words["language"].codes.strides == (0,)
    assert columns.seeds is columns.request_ids
    assert load(seed=["x", "y", "z"]).nbytes == columns.nbytes + COUNT * (1 + 4)


@pytest.mark.parametrize("name", ["tenant", "prompt_tokens", "request_id", "allowed_models"])
def test_columns__without_what_every_request_has__are_refused(name: str) -> None:
    values = {key: items for key, items in REQUIRED.items() if key != name}
    with pytest.raises(KeyError, match=name):
        columns_of(COUNT, values)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("project", ["a", "b"]),
        ("prompt_tokens", [1, 2, 3, 4]),
        ("patterns.abc", [True]),
        ("request_id", ["r0"]),
        ("seed", ["s"]),
        ("local_time", [None]),
    ],
)
def test_columns__of_another_length__are_refused_by_name(name: str, values: list[Any]) -> None:
    told = {"local_time": "local_day"}.get(name, name.removeprefix("patterns."))
    with pytest.raises(ValueError, match=f"not 3 rows: .*{told}"):
        load(**{name: values})


@pytest.mark.parametrize(
    "number", [MOST_EXACT, -MOST_EXACT, float(MOST_EXACT), float("nan"), float("inf"), 10**30]
)
def test_numbers__that_could_not_be_compared_exactly__are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="exact"):
        load(prompt_tokens=[0, number, 0])
    with pytest.raises(ValueError, match="exact"):
        load(max_output_tokens=[None, number, 0])


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [([1, 2, 2**31 - 1], "int32"), ([1, 2, 2**31], "int64"), ([0.5, 1, 2], "float64")],
)
def test_numbers__of_any_size__are_kept_as_small_as_they_can_be(
    numbers: list[float], kind: str
) -> None:
    column = load(prompt_tokens=numbers).numbers["prompt_tokens"]
    assert (column.values.dtype.name, column.values.tolist()) == (kind, numbers)


@pytest.mark.parametrize("most", [0, module.MOST_TABLED])
def test_pairs__of_two_columns__are_each_there_once(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_TABLED", most)
    first = Words(np.array([2, 0, 2, 1], dtype=np.uint8), ["a", "b", "c"])
    second = Words(np.array([1, 0, 1, 1], dtype=np.uint8), ["x", "y"])
    pairs = joined(first, second)
    assert [pairs.vocabulary[code] for code in pairs.codes] == [
        ("c", "y"),
        ("a", "x"),
        ("c", "y"),
        ("b", "y"),
    ]
    assert len(pairs.vocabulary) == 3


@pytest.mark.parametrize("count", [255, 256, 257, 70_000])
def test_codes__of_many_words__are_as_small_as_they_can_be(count: int) -> None:
    facts = {**REQUIRED, **{name: REQUIRED[name][:1] * count for name in REQUIRED}}
    users = [f"user-{number}" for number in range(count)]
    columns = columns_of(count, {**facts, "user": users})
    codes, vocabulary = columns.words["user"]
    assert [vocabulary[code] for code in codes.tolist()] == users
    assert codes.dtype == np.min_scalar_type(count - 1)
