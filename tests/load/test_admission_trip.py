"""`make bench`: what a trip to the limits costs, beside a bare PING on the same connection."""

import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apps.api_keys import limits
from apps.api_keys.orphans import make_stub
from apps.api_keys.redis_scripts import run_script
from apps.api_keys.types import Admission, AttemptNeeds, Caller, TokenCorrection
from apps.core.clock import unix_ms
from apps.core.ids import new_id
from apps.core.redis import hot_redis
from apps.usage.codec import encode_event
from tests.factories.keys import make_caller
from tests.factories.usage import make_event

TRIPS = int(os.environ.get("BENCH_TRIPS", "2000"))
WARM_UP = 200
PLENTY = 10**9

pytestmark = [
    pytest.mark.load,
    pytest.mark.usefixtures("event_loop_clients"),
]


class Desk:
    """A caller with every kind of limit, and the trips that its requests take."""

    def __init__(self, caller: Caller, now_ms: int) -> None:
        self.caller, self.now_ms = caller, now_ms
        self.budget = limits.budget_key(caller, now_ms)
        event = encode_event(make_event(caller, event_id=new_id(), at_ms=now_ms))
        self.event, self.stub = event, make_stub(event, self.budget, 1_000)
        self.last = Admission(new_id(), 0)

    async def admit(self, planned: int) -> None:
        self.last = await limits.admit(
            self.caller,
            request_id=new_id(),
            reserve=1_000,
            stub=self.stub,
            started_ms=self.now_ms,
            attempts=needs(planned),
        )

    async def readmit(self) -> None:
        await limits.readmit(
            self.caller,
            admission=self.last,
            attempts=needs(2),
            started_ms=self.now_ms,
            stub=self.stub,
            corrections=[TokenCorrection("bench-0", PLENTY, 300)],
        )

    async def settle_in_redis(self) -> None:
        """Settle without the journal, whose disk has a benchmark of its own to deserve."""
        corrections = (TokenCorrection("bench-0", PLENTY, 300),)
        told = limits.Settlement(new_id(), self.budget, 10, self.event, corrections=corrections)
        await run_script("settle.lua", *limits._settle_arguments(told, unix_ms()))


async def test_limits__beside_a_ping__print_what_each_trip_costs() -> None:
    now_ms = unix_ms()
    desk = Desk(make_caller(requests_per_minute=PLENTY, monthly_budget=10**15), now_ms)
    client: Any = hot_redis()
    await client.hset(desk.budget, "settled", 0)
    trips: dict[str, Callable[[], Awaitable[Any]]] = {
        "ping": client.ping,
        "admit, no attempts": lambda: desk.admit(0),
        "admit, 1 attempt": lambda: desk.admit(1),
        "admit, 5 attempts": lambda: desk.admit(5),
        "readmit, 2 attempts": desk.readmit,
        "settle, 1 correction": desk.settle_in_redis,
    }
    taken: dict[str, list[float]] = {name: [] for name in trips}
    # Taken in turns, so that a busy moment of the machine meets all of them.
    for turn in range(WARM_UP + TRIPS):
        for name, trip in trips.items():
            begun = time.perf_counter_ns()
            await trip()
            if turn >= WARM_UP:
                taken[name].append((time.perf_counter_ns() - begun) / 1_000)
    print()
    for name, times in taken.items():
        times.sort()
        middle, late = times[len(times) // 2], times[len(times) * 99 // 100]
        print(f"{name:<22} p50 {middle:7.1f} us   p99 {late:8.1f} us")


def needs(planned: int) -> list[AttemptNeeds]:
    return [AttemptNeeds(f"bench-{number}", PLENTY, 1_000, 1_000) for number in range(planned)]
