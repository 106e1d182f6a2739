"""Homes of conversations and prefixes: where they are, what staying is worth, when they move."""

from collections import Counter
from typing import Any

import pytest

from apps.routing.engine.hashing import luck, spread
from apps.routing.engine.load_balancer import BALANCED
from apps.routing.engine.types import Choice, Health
from tests.engine.balancing import answered, ids, rank, scored
from tests.engine.records import make_health

CONVERSATIONS = [f"talk-{number}" for number in range(300)]
AT_HOME = Choice(price_weight=0, affinity="conversation")
BY_PREFIX = Choice(price_weight=0, affinity="prefix")


def home_of(unit: str, names: str = "abc") -> str:
    """Return the home as the published hash puts it."""
    return max(names, key=lambda name: luck(spread(unit), spread(name)))


def stays(choice: Choice, names: str = "abc", **facts: Any) -> dict[str, float]:
    return {name: told["stay"] for name, told in scored(Health(), names, choice, **facts).items()}


def test_home__of_conversations__is_where_the_hash_puts_them_and_they_spread() -> None:
    firsts = {talk: ids(rank(names="abc", choice=AT_HOME, conversation=talk))[0]
              for talk in CONVERSATIONS}  # fmt: skip
    assert firsts == {talk: home_of(talk) for talk in CONVERSATIONS}
    assert min(Counter(firsts.values()).values()) > 70


def test_home__whatever_seed_and_order__stays() -> None:
    found = {
        ids(rank(names=names, choice=AT_HOME, seed=f"{number}", conversation="talk-1"))[0]
        for number in range(50)
        for names in ("abc", "cba")
    }
    assert found == {home_of("talk-1")}


def test_home__one_more_deployment__moves_those_only_that_it_takes() -> None:
    moved = 0
    for talk in CONVERSATIONS:
        before, after = (
            ids(rank(names=names, choice=AT_HOME, conversation=talk))[0]
            for names in ("abc", "abcd")
        )
        assert after in (before, "d")
        moved += after != before
    assert 40 < moved < 110


@pytest.mark.parametrize(
    ("choice", "facts", "unit"),
    [
        (AT_HOME, {"conversation": "talk", "prefix": "text"}, "talk"),
        (BY_PREFIX, {"conversation": "talk", "prefix": "text"}, "text"),
        (AT_HOME, {"prefix": "text"}, ""),
        (BY_PREFIX, {"conversation": "talk"}, ""),
        (Choice(), {"conversation": "talk", "prefix": "text"}, ""),
    ],
)
def test_home__of_a_request__is_that_of_what_the_rule_names(
    choice: Choice, facts: dict[str, str], unit: str
) -> None:
    found = [name for name, stay in stays(choice, **facts).items() if stay != 1]
    assert found == ([home_of(unit)] if unit else [])


def test_home__of_a_single_one__is_worth_nothing() -> None:
    assert stays(AT_HOME, "a", conversation="talk") == {"a": 1.0}


@pytest.mark.parametrize(
    ("weight", "prefix_tokens", "stay"),
    [
        # At 0.15 at least, even with nothing in the cache.
        (0, 0, 0.85),
        (0, 100, 0.85),
        # 1000 at a dollar and 250 at two are 1500; each cached token saves nine tenths.
        (0, 500, 1_050 / 1_500),
        (BALANCED, 500, 1_050 / 1_500),
        (100, 500, (1_050 / 1_500) ** (100 / BALANCED)),
        (0, 1_000, 600 / 1_500),
        # No more is in the cache than the prompt has.
        (0, 90_000, 600 / 1_500),
    ],
)
def test_home__with_so_much_in_its_cache__is_worth_what_that_saves(
    weight: int, prefix_tokens: int, stay: float
) -> None:
    choice = Choice(price_weight=weight, affinity="conversation")
    found = stays(choice, "ab", conversation="talk", prefix_tokens=prefix_tokens)
    assert found[home_of("talk", "ab")] == pytest.approx(stay)
    assert sorted(found.values())[1] == 1.0


def test_home__of_free_ones__is_worth_the_least() -> None:
    free = {name: {"input_price": 0, "output_price": 0} for name in "ab"}
    facts = {"conversation": "talk", "prefix_tokens": 900, "deployments": free}
    assert sorted(stays(AT_HOME, "ab", **facts).values()) == [0.85, 1.0]


@pytest.mark.parametrize(
    ("state", "is_first"),
    [
        ({}, True),
        (answered(100, in_flight=2), True),
        (answered(100, in_flight=20), False),
        (answered(100, 13), False),
        (answered(100, error_rate=0.3), False),
        (answered(100, failures=2), False),
        (answered(100, probation=1), False),
    ],
)
def test_home__that_is_not_well__loses_its_conversations(
    state: dict[str, Any], is_first: bool
) -> None:
    home = home_of("talk", "ab")
    other = "b" if home == "a" else "a"
    health = make_health(**{home: state or answered(100), other: answered(100)})
    found = ids(rank(health, choice=AT_HOME, conversation="talk"))
    assert (found[0] == home) is is_first


def test_home__that_may_not_be_called__is_the_next_best_of_the_hash() -> None:
    for talk in CONVERSATIONS[:50]:
        home = home_of(talk)
        others = "".join(name for name in "abc" if name != home)
        resting: dict[str, Any] = {home: {"ejected_until_ms": 2**60}}
        found = ids(rank(make_health(**resting), "abc", choice=AT_HOME, conversation=talk))
        assert found[0] == home_of(talk, others)
        assert set(found) == set(others)


def test_cheapest__at_home__counts_what_is_cached_there() -> None:
    choice = Choice(strategy="cheapest", affinity="conversation")
    home = home_of("talk", "ab")
    dear = {home: {"input_price": 2_000_000}}
    facts: dict[str, Any] = {"choice": choice, "conversation": "talk", "deployments": dear}
    found = rank(prefix_tokens=900, **facts)
    assert ids(found)[0] == home
    assert [item.expected_cost for item in found.ready] == [790, 1_500]
    assert ids(rank(prefix_tokens=100, **facts))[0] != home
