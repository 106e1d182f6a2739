"""Hashes of many texts at once are the engine's, text by text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.routing.backtest import hashing
from apps.routing.engine import hashing as engine

# With what no encoding of text should meet, too: half of a surrogate pair.
texts = st.text(alphabet=st.characters(exclude_categories=())) | st.just("\ud800")


@settings(max_examples=200, deadline=None)
@given(st.lists(texts, max_size=12), texts, texts)
def test_spread__of_any_texts__is_the_engines(values: list[str], before: str, after: str) -> None:
    found = hashing.spread(f"{before}|", hashing.texts_of(values), f"|{after}")
    assert found.tolist() == [engine.spread(before, value, after) for value in values]
    assert hashing.spread("", hashing.texts_of(values)).tolist() == [
        engine.spread(value) for value in values
    ]
    drawn = hashing.fractions(before, hashing.texts_of(values))
    assert drawn.tolist() == [engine.fraction(before, value) for value in values]


@given(st.lists(texts, min_size=1, max_size=12))
def test_texts__of_any_kind__can_be_read_again(values: list[str]) -> None:
    found = hashing.texts_of(values)
    assert [found.text(row) for row in range(len(values))] == values
    assert found.at(slice(0, 1)).text(0) == values[0]


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_numbers__mixed_or_as_fractions__are_the_engines(values: list[int]) -> None:
    numbers = np.array(values, dtype=np.uint64)
    assert hashing.mix(numbers).tolist() == [engine.mix(value) for value in values]
    assert hashing.unit_interval(numbers).tolist() == [
        engine.unit_interval(value) for value in values
    ]


def test_spread__of_more_texts_than_a_block__is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [f"user-{number}" for number in range(50)]
    whole = hashing.spread("s|", hashing.texts_of(values), "|e")
    monkeypatch.setattr(hashing, "BLOCK", 7)
    assert hashing.spread("s|", hashing.texts_of(values), "|e").tolist() == whole.tolist()
