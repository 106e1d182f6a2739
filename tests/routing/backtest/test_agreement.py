"""The column form decides as `decide`: rule, what it cannot tell, outcome, first call, costs."""

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.routing.backtest.agreement import check
from tests.routing.backtest.random_rules import random_facts, random_rule, random_snapshot

ROWS = 20_000
RULES = 50


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**12), st.integers(0, 12))
def test_columns__of_any_site_and_requests__decide_as_the_engine(seed: int, count: int) -> None:
    rng = Random(seed)
    snapshot = random_snapshot(rng, [random_rule(rng, f"r{number}") for number in range(count)])
    check([random_facts(rng, number) for number in range(30)], snapshot)


def test_columns__of_20000_requests_and_50_rules__decide_as_the_engine() -> None:
    rng = Random(20_268)
    snapshot = random_snapshot(rng, [random_rule(rng, f"r{number}") for number in range(RULES)])
    seen = check([random_facts(rng, number) for number in range(ROWS)], snapshot)
    # There was something to get wrong.
    assert {"route", "reject", "unknown_model", "ineligible"} <= seen.keys()
    assert sum(name.startswith("rule ") for name in seen) > 10
    assert sum(name.startswith("call ") for name in seen) > 15


def test_columns__of_no_requests__decide_nothing() -> None:
    rng = Random(1)
    snapshot = random_snapshot(rng, [random_rule(rng, f"r{number}") for number in range(5)])
    assert check([], snapshot) == Counter()
