"""Probes: `/livez` says that the process runs, `/readyz` that it can serve."""

import orjson
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from apps.core.database import in_database
from apps.core.redis import hot_redis
from apps.routing.snapshot_store import snapshot_store

RETRY_SECONDS = "2"


async def live(_request: HttpRequest) -> HttpResponse:
    return _json({"status": "ok"}, 200)


async def ready(_request: HttpRequest) -> HttpResponse:
    """Ready is: a snapshot is in memory. Redis and Postgres are told, and may be away."""
    store = snapshot_store()
    if not store.is_ready:
        await store.warm()
    checks = {
        "snapshot": "ok" if store.is_ready else "none published",
        "redis": await _redis_state(),
        "database": await _database_state(),
    }
    response = _json(
        {"status": "ok" if store.is_ready else "not ready", "checks": checks},
        200 if store.is_ready else 503,
    )
    if not store.is_ready:
        response["Retry-After"] = RETRY_SECONDS
    return response


async def _redis_state() -> str:
    try:
        await hot_redis().ping()
    except RedisError:
        return "away"
    return "ok"


async def _database_state() -> str:
    try:
        await in_database(_ask_database)
    except (DatabaseError, InterfaceError):
        return "away"
    return "ok"


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _json(body: dict[str, object], status: int) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), "application/json", status)
