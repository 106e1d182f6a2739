"""What a freshly started process has not: memories of keys, rates, health, an open journal."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from django.db import connection

from apps.api_keys import local_share, lookup
from apps.core import redis as core_redis
from apps.core.redis import _clients, control_redis, hot_redis
from apps.gateway.health_board import board
from apps.gateway.health_log import health_log
from apps.providers.adapters.registry import close_adapters
from apps.routing.snapshot_store import snapshot_store
from apps.usage import journal

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture
def fresh_process(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget what earlier tests left in this process; keep its files in a folder of the test."""
    settings.JOURNAL_DIR = tmp_path / "journal"
    settings.SNAPSHOT_DIR = tmp_path / "snapshots"
    # Threads of the data plane must not hold connections when the test data base goes.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    # A busy machine is not a Redis that is away.
    monkeypatch.setattr(core_redis, "HOT_PATH_TIMEOUT_SECONDS", 10.0)
    _forget()
    yield
    _forget()


@pytest_asyncio.fixture
async def event_loop_clients() -> AsyncIterator[None]:
    """Close what belongs to the test's event loop."""
    yield
    await snapshot_store().stop()
    await hot_redis().aclose()
    await close_adapters()


def _forget() -> None:
    journal.process_journal().close()
    journal._journals.clear()
    lookup.forget_in_memory()
    local_share._arrivals.clear()
    local_share.local_buckets.clear()
    board.clear()
    health_log.clear()


@contextmanager
def redis_gone(settings: Any) -> Iterator[None]:
    """Point every client of this process at an address where nobody listens."""
    there, kept = settings.REDIS_URL, dict(_clients.items())
    _clients.clear()
    _point_at(settings, NOBODY_LISTENS)
    try:
        yield
    finally:
        # What was made in between never connected.
        _clients.clear()
        _clients.update(kept)
        _point_at(settings, there)


@contextmanager
def postgres_gone() -> Iterator[None]:
    """Let every new connection to the data base fail."""
    kept = dict(connection.settings_dict)
    connection.settings_dict.update({"HOST": "127.0.0.1", "PORT": "1"})
    try:
        yield
    finally:
        connection.settings_dict.update({name: kept[name] for name in ("HOST", "PORT")})


def _point_at(settings: Any, url: str) -> None:
    settings.REDIS_URL = url
    control_redis.cache_clear()
