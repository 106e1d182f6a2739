"""One upstream per test, and a call of each adapter aimed at it."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.core.chat import ChatRequest, Message, StreamEvent
from apps.providers.adapters.base import Connection, ProviderAdapter, ProviderCall, Timeouts
from apps.providers.adapters.registry import adapter_for
from tests.providers.upstream import Upstream

SECRET = "secret-of-the-provider-1234"
PATHS = {"openai": "/v1", "anthropic": "", "google": ""}
type MakeCall = Callable[..., ProviderCall]


@pytest.fixture(params=["openai", "anthropic", "google"])
def kind(request: pytest.FixtureRequest) -> str:
    wire: str = request.param
    return wire


@pytest.fixture
def adapter(kind: str) -> ProviderAdapter:
    return adapter_for(kind)


@pytest.fixture
def make_call(kind: str, upstream: Upstream) -> MakeCall:
    def make(
        *,
        url: str | None = None,
        limit: int | None = 50,
        secret: str = SECRET,
        **timeouts: Any,
    ) -> ProviderCall:
        request = ChatRequest(
            model="alias",
            messages=(Message("system", "Be brief."), Message("user", "Say hello.")),
            dialect="router",
            temperature=0.5,
        )
        base_url = (upstream.url if url is None else url) + PATHS[kind]
        connection = Connection(kind, base_url, "upstream-name", secret)
        return ProviderCall(request, connection, limit, Timeouts(**timeouts), "req_1")

    return make


async def collect(adapter: ProviderAdapter, call: ProviderCall) -> list[StreamEvent]:
    """Read a stream to its end."""
    return [event async for event in adapter.stream(call)]
