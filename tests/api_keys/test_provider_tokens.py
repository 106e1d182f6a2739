"""The shared buckets of the providers' tokens per minute, with the real scripts on a real Redis."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from apps.api_keys.provider_tokens import (
    Taken,
    bucket_keys,
    correct_tokens,
    correct_tokens_now,
    reserve_tokens,
    reserve_tokens_now,
)
from apps.api_keys.types import AttemptNeeds, TokenCorrection
from tests.factories.process import redis_gone

pytestmark = pytest.mark.usefixtures("event_loop_clients")
NOW = 1_790_000_000_000
# A bucket of 15,000 tokens that gets one token more each millisecond.
PER_MINUTE = 60_000


def needs(tokens: int, deployment_id: str = "alpha", **fields: Any) -> AttemptNeeds:
    return AttemptNeeds(deployment_id, fields.get("per_minute", PER_MINUTE), tokens)


def take(*attempts: AttemptNeeds, at: int = NOW, namespace: str = "router") -> Taken:
    return reserve_tokens_now(attempts, now_ms=at, namespace=namespace)


def correct(tokens: int = 0, block_until: int = 0, at: int = NOW) -> None:
    told = TokenCorrection("alpha", PER_MINUTE, tokens, block_until)
    correct_tokens_now([told], now_ms=at)


def level(at: int = NOW) -> int:
    """Return what the bucket holds; an attempt that needs nothing takes nothing."""
    return take(needs(0), at=at).levels["alpha"]


def test_bucket__never_used__holds_a_quarter_of_a_minute() -> None:
    assert take(needs(15_000)) == Taken(0, 0, {"alpha": 0})
    assert take(needs(1)) == Taken(-1, 1, {"alpha": 0})


def test_bucket__that_was_emptied__refills_evenly_and_never_above_its_size() -> None:
    take(needs(15_000))
    assert take(needs(2_000), at=NOW + 1_999) == Taken(-1, 1, {"alpha": 1_999})
    assert take(needs(2_000), at=NOW + 2_000) == Taken(0, 0, {"alpha": 0})
    assert level(NOW + 10**9) == 15_000


def test_refusal__takes_nothing_and_tells_the_wait(redis_client: redis.Redis) -> None:
    take(needs(14_000))
    before = redis_client.hgetall("router:tokens:alpha")
    for _ in range(5):
        assert take(needs(4_000)) == Taken(-1, 3_000, {"alpha": 1_000})
    assert redis_client.hgetall("router:tokens:alpha") == before


def test_attempts__in_order__the_first_that_has_its_tokens_is_taken_and_all_levels_told() -> None:
    take(needs(15_000))
    taken = take(needs(500), needs(700, "bravo"), needs(500, "charlie"))
    assert taken == Taken(1, 0, {"alpha": 0, "bravo": 14_300, "charlie": 15_000})


def test_attempts__all_short__tell_the_shortest_wait() -> None:
    take(needs(15_000))
    take(needs(15_000, "bravo"))
    taken = take(needs(3_000), needs(2_000, "bravo"), needs(2_500, "alpha"))
    assert (taken.chosen, taken.wait_ms) == (-1, 2_000)


def test_deployment__without_a_limit__has_no_bucket(redis_client: redis.Redis) -> None:
    endless = needs(10**9, "endless", per_minute=None)
    assert take(endless) == Taken(0, 0, {})
    take(needs(15_000))
    assert take(needs(1), endless) == Taken(1, 0, {"alpha": 0})
    assert redis_client.exists("router:tokens:endless") == 0


def test_attempt__that_needs_more_than_a_bucket_holds__waits_for_a_full_one_and_leaves_a_debt() -> (
    None
):
    take(needs(1_000))
    assert take(needs(20_000)) == Taken(-1, 1_000, {"alpha": 14_000})
    assert take(needs(20_000), at=NOW + 1_000) == Taken(0, 0, {"alpha": -5_000})
    assert take(needs(1), at=NOW + 5_000) == Taken(-1, 1_001, {"alpha": -1_000})


def test_correction__of_an_estimate_that_was_too_high__gives_the_difference_back() -> None:
    take(needs(10_000))
    correct(8_000)
    assert level() == 13_000
    correct(8_000)
    assert level() == 15_000


def test_correction__of_an_estimate_that_was_too_low__may_leave_a_debt() -> None:
    take(needs(14_000))
    correct(-3_000)
    assert level() == -2_000
    assert level(NOW + 2_500) == 500


def test_provider__that_said_not_now__is_empty_and_closed_to_everybody_until_then() -> None:
    correct(block_until=NOW + 5_000)
    assert take(needs(0)) == Taken(-1, 5_000, {"alpha": 0})
    # The shortest of two blocks does not end the longer one.
    correct(block_until=NOW + 1_000)
    closed = take(needs(100), needs(100, "bravo"), at=NOW + 4_999)
    assert closed == Taken(1, 0, {"alpha": 4_999, "bravo": 14_900})
    assert take(needs(5_000), at=NOW + 5_000) == Taken(0, 0, {"alpha": 0})


def test_debt__is_not_forgiven_by_a_block() -> None:
    take(needs(15_000))
    correct(-2_000)
    correct(block_until=NOW + 1_000)
    assert level(NOW + 2_500) == 500


def test_clocks__that_differ_a_little__neither_lose_nor_make_tokens() -> None:
    take(needs(15_000), at=NOW)
    assert level(NOW - 3_000) == 0
    take(needs(0), at=NOW + 1_000)
    assert level(NOW + 500) == 1_000
    assert level(NOW + 1_000) == 1_000


def test_clock__that_was_far_ahead__does_not_stop_the_refill_for_the_others() -> None:
    take(needs(15_000), at=NOW + 300_000)
    assert take(needs(100), at=NOW) == Taken(-1, 100, {"alpha": 0})
    take(needs(0), at=NOW)
    assert level(NOW + 1_000) == 1_000


def test_bucket__is_forgotten_only_after_it_must_be_full(redis_client: redis.Redis) -> None:
    take(needs(15_000))
    assert 15_000 < redis_client.pttl("router:tokens:alpha") <= 75_000
    correct(-30_000)
    assert 45_000 < redis_client.pttl("router:tokens:alpha") <= 105_000
    correct(block_until=NOW + 600_000)
    assert 600_000 < redis_client.pttl("router:tokens:alpha") <= 660_000


def test_namespaces__have_buckets_of_their_own(redis_client: redis.Redis) -> None:
    take(needs(15_000), namespace="simulation:1")
    assert take(needs(15_000), namespace="simulation:2").chosen == 0
    assert take(needs(1), namespace="simulation:1").chosen == -1
    assert sorted(redis_client.keys()) == [
        b"simulation:1:tokens:alpha",
        b"simulation:2:tokens:alpha",
    ]
    assert bucket_keys([needs(1)]) == ["router:tokens:alpha"]


def test_bucket__raced_for_by_threads__never_gives_more_than_it_has() -> None:
    def greedy(number: int) -> int:
        got = 0
        for turn in range(40):
            if take(needs(97), at=NOW + (number + turn) % 7).chosen == 0:
                got += 97
        return got

    with ThreadPoolExecutor(16) as pool:
        given = sum(pool.map(greedy, range(16)))
    # Full at first, and seven milliseconds of refill at most.
    assert 15_000 - 97 < given <= 15_007


async def test_bucket__raced_for_on_the_hot_path__never_gives_more_than_it_has() -> None:
    crowd = (reserve_tokens([needs(1_000)], now_ms=NOW) for _ in range(60))
    taken = await asyncio.gather(*crowd)
    assert sum(item.chosen == 0 for item in taken) == 15
    await correct_tokens([TokenCorrection("alpha", PER_MINUTE, 2_000)], now_ms=NOW)
    assert level() == 2_000


async def test_redis_away__share_of_this_process_is_used_and_then_the_first_to_refill(
    settings: Any,
) -> None:
    settings.WEB_WORKERS = 3

    async def places(*attempts: AttemptNeeds, at: int = NOW) -> int:
        return (await reserve_tokens(attempts, now_ms=at)).chosen

    two = needs(4_000), needs(4_000, "bravo")
    with redis_gone(settings):
        # 5,000 tokens of each are this process's.
        assert [await places(*two) for _ in range(2)] == [0, 1]
        # Nobody has them: the one that is nearest to it is asked all the same.
        assert await places(needs(4_000), needs(3_000, "bravo")) == 1
        assert await places(*two, at=NOW + 20_000) == 0
        await correct_tokens([TokenCorrection("alpha", 60_000, 4_000)], now_ms=NOW + 20_000)
        assert await places(*two, at=NOW + 20_000) == 0
        blocked = TokenCorrection("alpha", 60_000, 9_000, NOW + 90_000)
        await correct_tokens([blocked], now_ms=NOW + 20_000)
        assert await places(*two, at=NOW + 80_000) == 1
        assert await places(needs(1, "endless", per_minute=None)) == 0
        assert await places() == 0


def test_script__that_redis_forgot__is_loaded_again(redis_client: redis.Redis) -> None:
    take(needs(1_000))
    redis_client.script_flush()
    assert take(needs(1_000)).levels == {"alpha": 13_000}


def test_levels__of_attempts_on_one_deployment__are_those_after_the_taking() -> None:
    attempts: Sequence[AttemptNeeds] = (needs(16_000), needs(1_000))
    take(needs(10_000))
    assert take(*attempts).levels == {"alpha": 4_000}
