"""Admission, further attempts and settlement with the providers' tokens, on a real Redis."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import redis

from apps.api_keys import limits
from apps.api_keys.errors import TokensShort
from apps.api_keys.limits import (
    Settlement,
    admit,
    budget_key,
    decode_settlement,
    encode_settlement,
    readmit,
    settle,
    settle_from_journal,
)
from apps.api_keys.orphans import make_stub, settle_orphans
from apps.api_keys.provider_tokens import reserve_tokens_now
from apps.api_keys.types import Admission, AttemptNeeds, Caller, TokenCorrection
from apps.core.errors import BudgetExceeded, RateLimited, ServiceUnavailable
from apps.core.ids import new_id
from apps.usage.codec import encode_event
from tests.factories.keys import make_caller
from tests.factories.process import redis_gone
from tests.factories.usage import make_attempt, make_event

pytestmark = pytest.mark.usefixtures("event_loop_clients", "_clock")
NOW = 1_790_000_000_000
PER_MINUTE = 60_000
ALPHA, BRAVO = (AttemptNeeds(name, PER_MINUTE, 6_000, 300) for name in ("alpha", "bravo"))


@pytest.fixture
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "unix_ms", lambda: NOW)


async def ask(
    caller: Caller, *attempts: AttemptNeeds, reserve: int = 300, **more: Any
) -> Admission:
    request_id = new_id()
    values: dict[str, Any] = {"stub": stub(caller, request_id, reserve), **more}
    return await admit(
        caller,
        request_id=request_id,
        reserve=reserve,
        started_ms=NOW,
        attempts=attempts,
        **values,
    )


async def again(
    caller: Caller, admission: Admission, *attempts: AttemptNeeds, **more: Any
) -> Admission:
    reserve = more.get("spent", 0) + max(item.worst_case for item in attempts)
    return await readmit(
        caller,
        admission=admission,
        attempts=attempts,
        started_ms=NOW,
        stub=stub(caller, admission.request_id, reserve),
        **more,
    )


def stub(caller: Caller, request_id: Any, reserve: int) -> bytes:
    attempts = (make_attempt(cost=0, status="cancelled"),)
    event = make_event(caller, event_id=request_id, at_ms=NOW, status="error", attempts=attempts)
    return make_stub(encode_event(event), budget_key(caller, NOW), reserve)


def settlement(caller: Caller, admission: Admission, *corrections: TokenCorrection) -> Settlement:
    event = encode_event(make_event(caller, event_id=admission.request_id, at_ms=NOW, cost=40))
    key = budget_key(caller, NOW)
    return Settlement(admission.request_id, key, 40, event, corrections=corrections)


def with_budget(client: redis.Redis, budget: int, **fields: Any) -> Caller:
    caller = make_caller(monthly_budget=budget, **fields)
    client.hset(budget_key(caller, NOW), "settled", 0)
    return caller


def reserved(client: redis.Redis, caller: Caller) -> int:
    return int(client.hget(budget_key(caller, NOW), "reserved") or 0)


def dump(client: redis.Redis) -> dict[bytes, Any]:
    keys: Any = client.keys()
    return {key: client.dump(key) for key in keys}


def levels(at: int = NOW) -> tuple[int, int]:
    """Return what the two buckets hold; attempts that need nothing take nothing."""
    probes = [item._replace(tokens=0) for item in (ALPHA, BRAVO)]
    found = reserve_tokens_now(probes, now_ms=at).levels
    return found["alpha"], found["bravo"]


async def test_admission__takes_the_tokens_of_the_first_attempt_that_has_them() -> None:
    caller = make_caller()
    told = [await ask(caller, ALPHA, BRAVO) for _ in range(3)]
    assert [item.chosen for item in told] == [0, 0, 1]
    assert told[-1].levels == {"alpha": 3_000, "bravo": 9_000}
    assert levels() == (3_000, 9_000)


async def test_admission__where_no_attempt_has_its_tokens__takes_nothing_at_all(
    redis_client: redis.Redis,
) -> None:
    caller = with_budget(redis_client, 10_000, requests_per_minute=5)
    for _ in range(4):
        await ask(caller, ALPHA, BRAVO)
    before = dump(redis_client)
    with pytest.raises(TokensShort) as told:
        await ask(caller, ALPHA, BRAVO._replace(tokens=5_000))
    assert (told.value.wait_ms, told.value.levels) == (2_000, {"alpha": 3_000, "bravo": 3_000})
    assert (told.value.http_status, told.value.retry_after_seconds) == (503, 2)
    assert dump(redis_client) == before
    await ask(caller, ALPHA._replace(tokens=1))
    with pytest.raises(RateLimited):
        await ask(caller, ALPHA._replace(tokens=1))


async def test_admission__refused_for_rate_or_budget__takes_no_tokens(
    redis_client: redis.Redis,
) -> None:
    with pytest.raises(BudgetExceeded):
        await ask(with_budget(redis_client, 299), ALPHA)
    busy = make_caller(requests_per_minute=1)
    await ask(busy)
    with pytest.raises(RateLimited):
        await ask(busy, ALPHA)
    assert levels() == (15_000, 15_000)


async def test_cached_answer__takes_no_tokens_and_needs_none(redis_client: redis.Redis) -> None:
    caller = make_caller()
    key = f"{caller.tenant_id}:answer:x"
    redis_client.set(key, b"sealed")
    hit = await ask(caller, ALPHA._replace(tokens=15_000), answer_key=key)
    assert hit.cached_answer == b"sealed"
    assert levels() == (15_000, 15_000)
    reserve_tokens_now([ALPHA._replace(tokens=15_000)], now_ms=NOW)
    assert (await ask(caller, ALPHA, answer_key=key)).cached_answer == b"sealed"
    with pytest.raises(TokensShort):
        await ask(caller, ALPHA, answer_key=f"{key}:other")


async def test_admission__raced_for_by_many__gives_no_bucket_away_twice(
    redis_client: redis.Redis,
) -> None:
    caller = with_budget(redis_client, 10**9)
    crowd = (ask(caller, ALPHA, BRAVO) for _ in range(30))
    results = await asyncio.gather(*crowd, return_exceptions=True)
    admitted = [item for item in results if isinstance(item, Admission)]
    assert sorted(item.chosen for item in admitted) == [0, 0, 1, 1]
    assert sum(isinstance(item, TokensShort) for item in results) == 26
    assert reserved(redis_client, caller) == 4 * 300
    assert redis_client.hlen(limits.RESERVATIONS) == 4


async def test_further_attempt__that_is_not_dearer__holds_what_was_held(
    redis_client: redis.Redis,
) -> None:
    caller = with_budget(redis_client, 300)
    admission = await ask(caller, ALPHA)
    second = await again(caller, admission, BRAVO._replace(worst_case=200), spent=100)
    assert (second.request_id, second.reserved) == (admission.request_id, 300)
    assert (second.chosen, second.levels) == (0, {"bravo": 9_000})
    assert reserved(redis_client, caller) == 300


async def test_further_attempt__that_is_dearer__raises_what_is_held_and_settles_to_nothing(
    redis_client: redis.Redis,
) -> None:
    caller = with_budget(redis_client, 1_000)
    admission = await ask(caller, ALPHA)
    second = await again(caller, admission, BRAVO._replace(worst_case=800), spent=120)
    assert second.reserved == reserved(redis_client, caller) == 920
    third = await again(caller, second, ALPHA, spent=150)
    assert third.reserved == reserved(redis_client, caller) == 920
    await settle(settlement(caller, third))
    found = redis_client.hgetall(budget_key(caller, NOW))
    assert found == {b"settled": b"40", b"reserved": b"0"}


async def test_further_attempt__beyond_the_budget__is_refused_and_takes_nothing(
    redis_client: redis.Redis,
) -> None:
    caller = with_budget(redis_client, 1_000)
    admission, _other = await ask(caller, ALPHA), await ask(caller, ALPHA)
    with pytest.raises(BudgetExceeded) as told:
        await again(caller, admission, BRAVO._replace(worst_case=651), spent=50)
    assert told.value.details == {"worst_case": 651, "left": 650}
    assert reserved(redis_client, caller) == 600
    assert levels() == (3_000, 15_000)
    exact = await again(caller, admission, BRAVO._replace(worst_case=650), spent=50)
    assert exact.reserved == 700


async def test_further_attempt__within_what_is_held__goes_on_under_a_budget_lowered_since(
    redis_client: redis.Redis,
) -> None:
    caller = with_budget(redis_client, 1_000)
    admission = await ask(caller, ALPHA)
    lowered = replace(caller, monthly_budget=10)
    assert (await again(lowered, admission, BRAVO)).reserved == 300


async def test_further_attempt__without_tokens__is_refused_and_raises_nothing(
    redis_client: redis.Redis,
) -> None:
    caller = with_budget(redis_client, 10_000)
    admission = await ask(caller, ALPHA)
    with pytest.raises(TokensShort) as told:
        await again(caller, admission, ALPHA._replace(tokens=10_000, worst_case=5_000))
    assert (told.value.wait_ms, told.value.levels) == (1_000, {"alpha": 9_000})
    assert reserved(redis_client, caller) == 300


async def test_further_attempt__after_a_429__closes_the_first_provider_for_all_workers() -> None:
    caller, other = make_caller(), make_caller()
    admission = await ask(caller, ALPHA)
    refused = TokenCorrection("alpha", PER_MINUTE, 6_000, NOW + 20_000)
    second = await again(caller, admission, ALPHA, BRAVO, corrections=[refused])
    assert (second.chosen, second.levels) == (1, {"alpha": 0, "bravo": 9_000})
    assert (await ask(other, ALPHA, BRAVO)).chosen == 1
    with pytest.raises(TokensShort) as told:
        await ask(other, ALPHA)
    assert told.value.wait_ms == 20_000


async def test_further_attempt__refused__has_told_its_corrections_all_the_same(
    redis_client: redis.Redis,
) -> None:
    caller = with_budget(redis_client, 300)
    admission = await ask(caller, ALPHA)
    back = TokenCorrection("alpha", PER_MINUTE, 1_000)
    with pytest.raises(BudgetExceeded):
        await again(caller, admission, BRAVO._replace(worst_case=900), corrections=[back])
    with pytest.raises(TokensShort):
        await again(caller, admission, BRAVO, BRAVO, corrections=[back, *_emptied("bravo")])
    assert levels() == (11_000, 0)


async def test_further_attempt__whose_budget_redis_lost__is_held_anew(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = with_budget(redis_client, 1_000)
    admission = await ask(caller, ALPHA)
    redis_client.flushdb()

    def rebuild(caller: Caller, budget: str, _started_ms: int) -> None:
        redis_client.hset(budget, "settled", 500)

    monkeypatch.setattr(limits, "rebuild_spend", rebuild)
    second = await again(
        caller, admission, BRAVO, spent=20, corrections=[TokenCorrection("bravo", PER_MINUTE, -500)]
    )
    assert second.reserved == reserved(redis_client, caller) == 320
    # Told once, though the script ran twice.
    assert levels() == (15_000, 8_500)
    assert redis_client.hlen(limits.RESERVATIONS) == redis_client.zcard(limits.EXPIRIES) == 1


async def test_orphan__that_died_in_a_further_attempt__is_booked_by_the_larger_reservation(
    redis_client: redis.Redis,
) -> None:
    caller = with_budget(redis_client, 10_000)
    admission = await ask(caller, ALPHA)
    await again(caller, admission, BRAVO._replace(worst_case=700), spent=30)
    assert settle_orphans(NOW + limits.RESERVATION_MS - 1) == 0
    assert settle_orphans(NOW + limits.RESERVATION_MS) == 1
    found = redis_client.hgetall(budget_key(caller, NOW))
    assert found == {b"settled": b"730", b"reserved": b"0"}


async def test_settlement__corrects_the_buckets_once_however_often_it_is_told() -> None:
    caller = make_caller()
    admission = await ask(caller, ALPHA, BRAVO)
    told = settlement(
        caller,
        admission,
        TokenCorrection("alpha", PER_MINUTE, 5_500),
        TokenCorrection("bravo", PER_MINUTE, -100),
        TokenCorrection("bravo", PER_MINUTE, -200),
        TokenCorrection("endless", None, 700),
    )
    await settle(told)
    await settle(told)
    settle_from_journal(told)
    assert levels() == (14_500, 14_700)


async def test_settlement__read_from_the_journal__leaves_the_buckets_alone() -> None:
    caller = make_caller()
    admission = await ask(caller, ALPHA)
    told = settlement(caller, admission, TokenCorrection("alpha", PER_MINUTE, 5_500))
    settle_from_journal(decode_settlement(encode_settlement(told)))
    assert levels() == (9_000, 15_000)


async def test_redis_away__attempts_use_this_processes_share(settings: Any) -> None:
    settings.WEB_WORKERS = 2
    caller = make_caller()
    with redis_gone(settings):
        first = await ask(caller, ALPHA, BRAVO)
        second = await ask(caller, ALPHA, BRAVO)
        assert (first.chosen, second.chosen) == (0, 1)
        refused = TokenCorrection("alpha", PER_MINUTE, 0, NOW + 60_000)
        third = await again(caller, second, ALPHA, BRAVO, corrections=[refused])
        assert third.chosen == 1
        await settle(settlement(caller, third, TokenCorrection("bravo", PER_MINUTE, 60_000)))
        charlie = ALPHA._replace(deployment_id="charlie")
        assert (await ask(caller, BRAVO, charlie)).chosen == 0


async def test_redis_away__hard_budget__goes_on_only_within_what_is_held(
    settings: Any, redis_client: redis.Redis
) -> None:
    caller = with_budget(redis_client, 1_000)
    admission = await ask(caller, ALPHA)
    with redis_gone(settings):
        assert (await again(caller, admission, BRAVO)).reserved == 300
        with pytest.raises(ServiceUnavailable, match="budget"):
            await again(caller, admission, BRAVO, spent=1)


DIES = """
import asyncio, sys
import django
django.setup()
from tests.api_keys.test_further_attempts import ALPHA, ask
from tests.factories.keys import make_caller
async def main():
    await asyncio.gather(*(ask(make_caller(), ALPHA._replace(tokens=1000)) for _ in range(5)))
    print("reserved", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_worker__killed_between_reserving_and_settling__leaks_only_until_the_refill(
    redis_client: redis.Redis,
) -> None:
    with subprocess.Popen([sys.executable, "-c", DIES], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"reserved\n"
        os.kill(process.pid, signal.SIGKILL)
    at = int(redis_client.hget("router:tokens:alpha", "at") or 0)
    assert 10_000 <= levels(at)[0] < 14_000
    assert levels(at + 5_000)[0] == 15_000
    assert settle_orphans(at + limits.RESERVATION_MS) == 5
    assert redis_client.hlen(limits.RESERVATIONS) == 0


def _emptied(deployment_id: str) -> list[TokenCorrection]:
    return [TokenCorrection(deployment_id, PER_MINUTE, 0, NOW + 9_000)]
