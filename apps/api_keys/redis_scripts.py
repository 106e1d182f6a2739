"""The Lua scripts of the limits, each registered once for the hot and once for the control path."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import redis
import redis.asyncio
from redis.commands.core import AsyncScript, Script

from apps.core.redis import control_redis, hot_redis

FOLDER = Path(__file__).parent / "scripts"
# Functions that begin every script; Redis has no way to include a file.
LIBRARY = "buckets.lua"


async def run_script(name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
    """Run a script on the hot path, in one trip."""
    return await _hot_script(name)(keys=keys, args=arguments, client=hot_redis())


def run_script_now(name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
    """Run a script on the control path, in one trip."""
    return _control_script(name)(keys=keys, args=arguments, client=control_redis())


def _text(name: str) -> str:
    return "".join((FOLDER / file).read_text(encoding="utf-8") for file in (LIBRARY, name))


# The client is given at each call (one per event loop); these only lend their encoders.
@lru_cache
def _hot_script(name: str) -> AsyncScript:
    return redis.asyncio.Redis().register_script(_text(name))


@lru_cache
def _control_script(name: str) -> Script:
    return redis.Redis().register_script(_text(name))
