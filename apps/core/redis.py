"""Redis clients: an asynchronous pool per event loop, a synchronous one for the control path."""

import asyncio
from functools import lru_cache
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings

# A frozen Redis must not hang a request; control-path work may wait a little longer.
HOT_PATH_TIMEOUT_SECONDS = 0.25
CONTROL_PATH_TIMEOUT_SECONDS = 5.0

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


def hot_redis() -> redis.asyncio.Redis:
    """Return the client of the running event loop (bytes in, bytes out)."""
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        client = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=HOT_PATH_TIMEOUT_SECONDS,
            socket_connect_timeout=HOT_PATH_TIMEOUT_SECONDS,
        )
        _clients[loop] = client
    return client


@lru_cache(maxsize=1)
def control_redis() -> redis.Redis:
    """Return the synchronous client of this process (bytes in, bytes out)."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=CONTROL_PATH_TIMEOUT_SECONDS,
        socket_connect_timeout=CONTROL_PATH_TIMEOUT_SECONDS,
    )
