"""Servers that resemble OpenAI, of any kind, and calls of the adapter that reach them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from apps.core.chat import ChatResponse, StreamEvent, Turn
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.openai.adapter import OpenAIAdapter
from apps.providers.wire_servers.habits import HABITS, Habits
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.providers.openai_calls import SECRET, put_together, translated

KINDS = tuple(HABITS)
type Serve = Callable[[str | Habits], WireServer]


@contextmanager
def serving_kinds() -> Iterator[Serve]:
    """Yield what starts a server of a kind, until the block ends."""
    with ExitStack() as stack:

        def start(kind: str | Habits) -> WireServer:
            habits = HABITS[kind] if isinstance(kind, str) else kind
            return stack.enter_context(running_wire_server(secret=SECRET, habits=habits))

        yield start


def url_of(server: WireServer, kind: str) -> str:
    url = server.url_of("openai")
    return url.removesuffix("/v1") if kind == "azure" else url


def call_to(server: WireServer, kind: str, *turns: Turn, **fields: Any) -> ProviderCall:
    """Return a call in another dialect, aimed at the server."""
    return translated(*turns, kind=kind, url=url_of(server, kind), **fields)


async def events_of(call: ProviderCall) -> list[StreamEvent]:
    return [event async for event in OpenAIAdapter().stream(call)]


async def answer(call: ProviderCall, *, is_streamed: bool) -> ChatResponse:
    """Return the answer; a streamed one put together by its neutral parts."""
    if is_streamed:
        return put_together(await events_of(call))
    return await OpenAIAdapter().complete(call)


async def failure(call: ProviderCall, *, is_streamed: bool = False) -> AttemptError:
    """Return the error of a call that must fail."""
    with pytest.raises(AttemptError) as told:
        await answer(call, is_streamed=is_streamed)
    return told.value
