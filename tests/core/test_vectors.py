"""Vectors in both forms: nothing is lost on the way, and what is no vector is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.vectors import as_base64, as_numbers, dimensions_of

FLOATS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1)


@given(FLOATS)
def test_vector__there_and_back__is_the_same(numbers: list[float]) -> None:
    encoded = as_base64(numbers)
    assert list(as_numbers(encoded)) == numbers
    assert dimensions_of(encoded) == dimensions_of(numbers) == len(numbers)
    assert as_base64(encoded) is encoded
    assert as_numbers(numbers) is numbers


def test_vector__bytes_are_little_endian_float32() -> None:
    assert as_base64([1.0, -2.0]) == "AACAPwAAAMA="


@pytest.mark.parametrize("vector", ["AACA", "not base64!", ["a"], [None], [True]])
def test_vector__that_is_none__is_told(vector: list[float] | str) -> None:
    with pytest.raises(ValueError, match="vector"):
        dimensions_of(vector)
