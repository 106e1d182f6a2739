"""What calls cost at the most and likely: whole micro-dollars, rounded up."""

from typing import Any

import pytest

from apps.routing.engine.pricing import expected_cost, worst_case_cost
from tests.engine.records import make_deployment

FREE = {"input_price": 0, "output_price": 0, "cached_input_price": 0, "cache_write_price": 0}


@pytest.mark.parametrize(
    ("prices", "prompt", "output", "cost"),
    [
        ({"input_price": 1_000_000, "output_price": 2_000_000}, 1_000, 500, 2_000),
        ({"input_price": 1}, 1, 0, 1),
        ({"input_price": 1, "output_price": 1}, 500_000, 500_000, 1),
        ({"input_price": 1, "output_price": 1}, 500_000, 500_001, 2),
        ({}, 9, 9, 0),
        ({"input_price": 100, "cache_write_price": 125}, 1_000_000, 0, 125),
        ({"input_price": 100, "cache_write_price": 50}, 1_000_000, 0, 100),
    ],
)
def test_worst_case__dearest_rate_of_each_token__is_rounded_up(
    prices: dict[str, int], prompt: int, output: int, cost: int
) -> None:
    values: dict[str, Any] = {**FREE, **prices}
    assert worst_case_cost(make_deployment(**values), prompt, output) == cost


@pytest.mark.parametrize(
    ("cached", "cost"),
    [(0, 2_000), (1, 2_000), (10, 1_991), (1_000, 1_100), (5_000, 1_100)],
)
def test_expected__what_is_cached__costs_its_own_rate_and_never_more_than_the_prompt(
    cached: int, cost: int
) -> None:
    assert expected_cost(make_deployment(), 1_000, 500, cached) == cost


def test_expected__of_a_whole_prompt__does_not_count_what_writing_the_cache_costs() -> None:
    deployment = make_deployment(cache_write_price=9_000_000)
    assert expected_cost(deployment, 1_000, 500) == 2_000
    assert expected_cost(make_deployment(input_price=10_000_000), 1_000, 500) == 11_000
    assert worst_case_cost(deployment, 1_000, 500) == 10_000
