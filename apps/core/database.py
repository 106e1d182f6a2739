"""The rare read or write of a request that has to go to Postgres: in a few threads of its own."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import close_old_connections, connection

THREADS = 4
_executor = ThreadPoolExecutor(THREADS, thread_name_prefix="database")


def limit_statements(seconds: float) -> None:
    """Let no statement of the transaction that runs take longer; it fails then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{seconds:g}s"])


async def in_database[T, **P](
    function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs
) -> T:
    """Run a synchronous function that queries; raises what it raises.

    The lean handler sends no request signals, so stale connections are closed here.
    """
    context = contextvars.copy_context()

    def call() -> T:
        close_old_connections()
        try:
            return context.run(function, *arguments, **named)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_executor, call)
