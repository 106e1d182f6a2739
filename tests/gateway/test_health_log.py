"""The health of a decision in the log: named each time, told once."""

import pytest

from apps.gateway import health_log as module
from apps.gateway.health_log import HealthLog
from apps.routing.engine.types import DeploymentHealth, Health
from apps.routing.logged_health import health_from, health_id, health_record


def health(**states: int) -> Health:
    return Health({name: DeploymentHealth(in_flight=count) for name, count in states.items()})


def test_state__asked_for_again__is_told_once() -> None:
    log = HealthLog()
    state = health(a=1)
    assert health_from(log.news_of(state)) == state
    assert log.news_of(state) == {}
    assert log.news_of(health(a=1)) == {}
    assert log.news_of(health(a=2))
    assert log.id_of(state) == health_id(health_record(state))


def test_state__that_was_only_named__is_still_news() -> None:
    log = HealthLog()
    log.id_of(health(a=1))
    assert log.news_of(health(a=1))


def test_states__beyond_those_remembered__are_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    log = HealthLog()
    assert all(log.news_of(health(a=count)) for count in (1, 2, 3))
    assert log.news_of(health(a=3)) == {}
    assert log.news_of(health(a=1))


def test_log__cleared__tells_all_again() -> None:
    log = HealthLog()
    log.news_of(health(a=1))
    log.clear()
    assert log.news_of(health(a=1))
