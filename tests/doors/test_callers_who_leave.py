"""T7: who leaves ends the call at the provider within a second, and pays for what was generated."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import cycle, product
from typing import Any

import pytest
import redis

from apps.api_keys.limits import RESERVATIONS
from apps.providers.wire_servers.scripts import SCRIPTS, Script
from tests.doors.books import Booked, everything_booked
from tests.doors.entrances import DOORS, STREAMING, Question, carrying
from tests.doors.raw_http import opened
from tests.factories.offers import empty_tables
from tests.factories.routed_site import MODELS, OTHER_MODELS, RoutedSite, routed_site
from tests.scale import IS_FULL

pytestmark = [pytest.mark.keeps_redis, pytest.mark.slow]

# The requirement itself: no slack for the machine.
WITHIN_SECONDS = 1.0
# PaLM has no streams; its client knows no way to leave either.
WHOLE_MODELS = {**MODELS, "palm": OTHER_MODELS["palm"]}
# What is asked of the machine only: that a request arrives, that an answer begins.
PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.01
# The first text of the provider, as each dialect's JSON has it.
FIRST_WORDS = (b"Ol\xc3\xa1", b"Ol\\u00e1")


def pairs(doors: Iterable[str], providers: Iterable[str]) -> list[tuple[str, str]]:
    """Return each door with each provider; at a reduced scale each of both, once or twice."""
    return list(
        product(doors, providers) if IS_FULL else zip(doors, cycle(providers), strict=False)
    )


@pytest.fixture(scope="module", params=["granian", "uvicorn"])
def site_for_module(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: Any,
) -> Iterator[RoutedSite]:
    """A running site on one of the servers."""
    with django_db_blocker.unblock():
        empty_tables()
        folder = tmp_path_factory.mktemp(request.param)
        with routed_site(folder, models=WHOLE_MODELS, spares=0, server=request.param) as running:
            yield running
        empty_tables()


@pytest.fixture
def site(site_for_module: RoutedSite) -> RoutedSite:
    site_for_module.forget()
    return site_for_module


@pytest.mark.parametrize("script", ["stall", "paced"] if IS_FULL else ["stall"])
@pytest.mark.parametrize(("door", "provider"), pairs(STREAMING, MODELS))
def test_t7__caller_leaves_in_the_middle_of_a_stream__ends_the_call_and_is_booked(
    site: RoutedSite, redis_client: redis.Redis, door: str, provider: str, script: str
) -> None:
    slowly = replace(SCRIPTS[script], pause_seconds=0.3)
    booked = left(site, redis_client, door, Question(MODELS[provider], is_streamed=True), slowly)
    assert (booked.row.status, booked.row.is_streamed) == ("cancelled", True)
    (entry,) = booked.entries
    assert (entry.status, entry.is_estimated) == ("cancelled", True)
    assert entry.output_tokens > 0
    assert entry.cost == booked.row.cost > 0
    assert_unaffected(site, door, provider)


@pytest.mark.parametrize("script", ["hang", "stall"] if IS_FULL else ["hang"])
@pytest.mark.parametrize(("door", "provider"), pairs(DOORS, WHOLE_MODELS))
def test_t7__caller_leaves_before_a_whole_answer__ends_the_call_and_is_booked(
    site: RoutedSite, redis_client: redis.Redis, door: str, provider: str, script: str
) -> None:
    booked = left(site, redis_client, door, Question(WHOLE_MODELS[provider]), SCRIPTS[script])
    assert (booked.row.status, booked.row.is_streamed) == ("cancelled", False)
    (entry,) = booked.entries
    assert (entry.status, entry.is_estimated) == ("cancelled", True)
    assert entry.input_tokens > 0
    assert entry.cost == booked.row.cost > 0
    assert_unaffected(site, door, provider)


def left(
    site: RoutedSite, redis_client: redis.Redis, name: str, question: Question, script: Script
) -> Booked:
    """Ask, leave when the answer has begun, and return what the books say of that."""
    door, server = DOORS[name], site.provider
    server.script = script
    known = len(everything_booked())
    path, headers = carrying(door.path(question), site.key, door.keys[0])
    with opened(site.address, path, door.body(question), headers) as connection:
        wait_until(lambda: bool(server.received), PATIENCE_SECONDS)
        answer = b""
        while question.is_streamed and not any(words in answer for words in FIRST_WORDS):
            answer += connection.recv(1_000)
        assert redis_client.hlen(RESERVATIONS) == 1
        assert not server.was_abandoned.is_set()
    assert server.was_abandoned.wait(WITHIN_SECONDS), "the provider still answers"
    wait_until(lambda: redis_client.hlen(RESERVATIONS) == 0, WITHIN_SECONDS)
    newest, *others = everything_booked()
    assert len(others) == known
    return newest


def assert_unaffected(site: RoutedSite, door: str, provider: str) -> None:
    """The next caller finds everything as it should be."""
    site.provider.script = Script()
    answer = DOORS[door].ask(site.address, site.key, Question(WHOLE_MODELS[provider]))
    assert answer.status == 200


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    """Look again and again; fails when the time is over."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(LOOK_SECONDS)
