"""What an attempt costs: each kind of token at its own price, rounded once."""

import pytest

from apps.core.chat import TokenUsage
from apps.gateway.billing import cost_of
from apps.routing.engine.types import Deployment
from tests.gateway.runs import make_deployment

MILLION = 1_000_000


def deployment(**prices: int) -> Deployment:
    """Return a deployment whose prices tell themselves apart."""
    values = {
        "input_price": 3_000_000,
        "output_price": 15_000_000,
        "cached_input_price": 300_000,
        "cache_write_price": 3_750_000,
        **prices,
    }
    return make_deployment("d", **values)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (TokenUsage(0, 0), 0),
        (TokenUsage(MILLION, 0), 3_000_000),
        (TokenUsage(0, MILLION), 15_000_000),
        (TokenUsage(1_000, 500), 10_500),
        (TokenUsage(MILLION, 0, cached_input_tokens=MILLION), 300_000),
        (TokenUsage(MILLION, 0, cache_write_tokens=MILLION), 3_750_000),
        (TokenUsage(1_000, 0, cached_input_tokens=600, cache_write_tokens=300), 1_605),
        (TokenUsage(0, 1_000, reasoning_tokens=900), 15_000),
    ],
)
def test_cost__of_each_kind_of_token__is_at_its_own_price(usage: TokenUsage, cost: int) -> None:
    assert cost_of(usage, deployment()) == cost


@pytest.mark.parametrize(
    ("tokens", "price", "cost"), [(1, 499_999, 0), (1, 500_000, 1), (3, 500_000, 2), (1, 1, 0)]
)
def test_cost__of_half_a_micro_dollar__is_rounded_up(tokens: int, price: int, cost: int) -> None:
    assert cost_of(TokenUsage(tokens, 0), deployment(input_price=price)) == cost


def test_cost__of_small_parts__is_rounded_once_and_not_for_each() -> None:
    halves = deployment(input_price=400_000, output_price=400_000)
    assert cost_of(TokenUsage(1, 1), halves) == 1


def test_cost__of_cached_tokens_beyond_the_input__is_never_negative() -> None:
    free = deployment(cached_input_price=0)
    assert cost_of(TokenUsage(10, 0, cached_input_tokens=50), free) == 0
