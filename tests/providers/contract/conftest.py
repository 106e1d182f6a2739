"""One upstream per test, and a call of each adapter aimed at it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from apps.core.chat import ChatRequest, Message, StreamEvent
from apps.providers.adapters.base import Connection, ProviderAdapter, ProviderCall, Timeouts
from apps.providers.adapters.registry import WIRES, adapter_for
from tests.providers.upstream import Upstream

SECRET = "secret-of-the-provider-1234"
# Not over the wires of this suite: in process, and without streams or counts of its own.
APART = frozenset({"simulated", "palm"})
type MakeCall = Callable[..., ProviderCall]


@pytest.fixture(params=[kind for kind in WIRES if kind not in APART])
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
        base_url = (upstream.url if url is None else url) + base_path_of(kind)
        connection = Connection(kind, base_url, "upstream-name", secret)
        return ProviderCall(request, connection, limit, Timeouts(**timeouts), "req_1")

    return make


def base_path_of(kind: str) -> str:
    """Return the path under which the vendor's own service has its addresses."""
    return urlsplit(WIRES[kind].base_url).path


async def collect(adapter: ProviderAdapter, call: ProviderCall) -> list[StreamEvent]:
    """Read a stream to its end."""
    return [event async for event in adapter.stream(call)]
