"""Money: integers only, rounded once, told exactly."""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.money import cost_rounded_half_up, cost_rounded_up, format_usd

WEIGHTED = st.integers(min_value=0, max_value=10**18)
MILLION = 1_000_000


@given(WEIGHTED)
def test_billed_cost__of_any_amount__is_rounded_half_up(weighted: int) -> None:
    exact = Decimal(weighted) / MILLION
    assert cost_rounded_half_up(weighted) == int(exact.to_integral_value(ROUND_HALF_UP))


@given(WEIGHTED)
def test_reserved_cost__of_any_amount__is_rounded_up(weighted: int) -> None:
    exact = Decimal(weighted) / MILLION
    assert cost_rounded_up(weighted) == int(exact.to_integral_value(ROUND_CEILING))


@given(WEIGHTED)
def test_reservation__of_what_is_billed__always_covers_it(weighted: int) -> None:
    assert 0 <= cost_rounded_up(weighted) - cost_rounded_half_up(weighted) <= 1


@pytest.mark.parametrize(
    ("weighted", "billed", "reserved"),
    [
        (0, 0, 0),
        (1, 0, 1),
        (499_999, 0, 1),
        (500_000, 1, 1),
        (1_000_000, 1, 1),
        (1_000_001, 1, 2),
        (1_500_000, 2, 2),
    ],
)
def test_rounding__at_its_borders__is_exact(weighted: int, billed: int, reserved: int) -> None:
    assert cost_rounded_half_up(weighted) == billed
    assert cost_rounded_up(weighted) == reserved


@given(st.integers(min_value=-(10**18), max_value=10**18))
def test_dollars__of_any_amount__are_exact_with_six_places(micro_usd: int) -> None:
    text = format_usd(micro_usd)
    assert Decimal(text) * MILLION == micro_usd
    assert len(text.partition(".")[2]) == 6


@pytest.mark.parametrize(
    ("micro_usd", "text"),
    [(0, "0.000000"), (1, "0.000001"), (1_234_567, "1.234567"), (-1, "-0.000001")],
)
def test_dollars__of_known_amounts__read_as_written(micro_usd: int, text: str) -> None:
    assert format_usd(micro_usd) == text
