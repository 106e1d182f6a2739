"""What every test gets: real servers, tables and a Redis of its own, no way out to the network."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from django.utils import translation
from pytest_django import DjangoDbBlocker

from router_project.addresses import database_settings, redis_database, redis_number
from router_project.local.throwaway import throwaway_servers
from router_project.settings.parts.database import RUNTIME_ROLE

pytest_plugins = ["tests.matrix"]

type Databases = list[tuple[Any, str, bool]]

_servers = ExitStack()
_patches = pytest.MonkeyPatch()
_connect = socket.socket.connect
_resolve = socket.getaddrinfo
LOCAL_NAMES = frozenset({"localhost", "", None})


class NetworkForbidden(AssertionError):
    """A test tried to leave this machine."""


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers that the environment does not name; give each worker its own Redis."""
    if not hasattr(config, "workerinput"):
        _servers.enter_context(
            throwaway_servers(
                postgres="DATABASE_URL" not in os.environ, valkey="REDIS_URL" not in os.environ
            )
        )
    _use_redis(_redis_of_worker())
    _patches.setattr(socket.socket, "connect", _guarded_connect)
    _patches.setattr(socket, "getaddrinfo", _guarded_resolve)


def pytest_unconfigure() -> None:
    _patches.undo()
    _servers.close()


@pytest.fixture(autouse=True)
def language_of_nobody() -> Iterator[None]:
    """A request leaves its language behind in the thread, where the next test would find it."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Create the tables as their owner: the serving role does not exist yet, and owns nothing."""
    connection.settings_dict["OPTIONS"].pop("assume_role", None)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Serve as the runtime role from here on, which may empty tables in tests only."""
    with django_db_blocker.unblock():
        made = _make_database()
        with connection.cursor() as cursor:
            cursor.execute(f"GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO {RUNTIME_ROLE}")
        connection.close()
    connection.settings_dict["OPTIONS"]["assume_role"] = RUNTIME_ROLE
    # Processes that tests start use the same tables.
    os.environ["DATABASE_URL"] = _with_database(
        settings.DATABASE_URL, connection.settings_dict["NAME"]
    )
    yield
    with django_db_blocker.unblock():
        connection.close()
    connection.settings_dict["OPTIONS"].pop("assume_role", None)
    if made is not None:
        with django_db_blocker.unblock():
            teardown_databases(made, verbosity=0)


@pytest.fixture(autouse=True)
def _empty_redis(request: pytest.FixtureRequest) -> None:
    """Begin with an empty Redis, unless the test shares a running server with its neighbours."""
    if "keeps_redis" not in request.keywords:
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            client.flushdb()


@pytest.fixture
def redis_client() -> Iterator[redis.Redis]:
    """A synchronous client of this worker's Redis."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


def _redis_of_worker() -> str:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    index = int(worker.removeprefix("gw")) + 1 if worker else 0
    return redis_database(settings.REDIS_URL, redis_number(settings.REDIS_URL) + index)


def _use_redis(url: str) -> None:
    os.environ["REDIS_URL"] = url
    settings.REDIS_URL = url
    settings.CACHES["default"]["LOCATION"] = url
    caches.close_all()


def _make_database() -> Databases | None:
    """Make the data base of tests, unless pytest-django has: it does so for marked tests only.

    A site that serves a whole module has no mark, and must never empty the tables of a real one.
    """
    real = database_settings(settings.DATABASE_URL)["NAME"]
    if connection.settings_dict["NAME"] != real:
        return None
    return setup_databases(verbosity=0, interactive=False)


def _with_database(url: str, name: str) -> str:
    before, _, query = url.partition("?")
    return f"{before.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


def _guarded_connect(self: socket.socket, address: Any) -> None:
    if self.family != socket.AF_UNIX and not _is_loopback(address[0]):
        raise NetworkForbidden(f"a test tried to reach {address!r}")
    _connect(self, address)


def _guarded_resolve(host: Any, *arguments: Any, **options: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in LOCAL_NAMES and not _is_loopback(name):
        raise NetworkForbidden(f"a test tried to resolve {name!r}")
    return _resolve(host, *arguments, **options)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOCAL_NAMES
