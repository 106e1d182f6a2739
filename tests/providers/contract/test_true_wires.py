"""Every adapter against the simulated providers, which refuse what the vendor would refuse."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from apps.core.chat import ChatRequest, Message, TokenUsage
from apps.providers.adapters.base import (
    AttemptError,
    Connection,
    ProviderAdapter,
    ProviderCall,
    Timeouts,
)
from apps.providers.wire_servers.scripts import SCRIPTS, TEXT, Tokens
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.providers.contract.conftest import SECRET, base_path_of, collect

MODELS = {"openai": "gpt-4.1-mini", "anthropic": "claude-x", "google": "gemini-2.5-flash"}
ANY_MODEL = "model-x"
MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
HISTORY = (
    Message("system", "Be brief."),
    Message("user", "Say hello."),
    Message("assistant", "Hello."),
    Message("user", "Again."),
)
type Answer = tuple[str, str, TokenUsage]
type Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server(secret=SECRET) as server:
        yield server


@pytest.fixture
def ask(kind: str, adapter: ProviderAdapter, server: WireServer) -> Ask:
    async def ask(*, is_streamed: bool, idle: float = 5, **options: Any) -> Answer:
        request = ChatRequest("alias", HISTORY, "router", **options)
        address = f"http://127.0.0.1:{server.port}{base_path_of(kind)}"
        connection = Connection(kind, address, MODELS.get(kind, ANY_MODEL), SECRET)
        limits = Timeouts(idle=idle, first_token=idle, total=2 * idle)
        call = ProviderCall(request, connection, 50, limits, "req_1")
        if not is_streamed:
            whole = await adapter.complete(call)
            return whole.text, whole.finish_reason, whole.usage
        events = await collect(adapter, call)
        (reason,) = [event.finish_reason for event in events if event.finish_reason]
        (usage,) = [event.usage for event in events if event.usage]
        return "".join(event.text for event in events), reason, usage

    return ask


def was_asked(server: WireServer) -> bool:
    """Wait for a request to arrive."""
    for _ in range(500):
        if server.received:
            return True
        time.sleep(0.01)
    return False


@MODES
@pytest.mark.parametrize("script", ["hang", "slow", "stall"])
async def test_t7__call_that_is_left__is_hung_up_on_within_a_second(
    ask: Ask, server: WireServer, is_streamed: bool, script: str
) -> None:
    server.plan(script)
    call = asyncio.ensure_future(ask(is_streamed=is_streamed))
    assert await asyncio.to_thread(was_asked, server)
    call.cancel()
    assert await asyncio.to_thread(server.was_abandoned.wait, 1)


@MODES
async def test_t7__call_that_took_too_long__is_hung_up_on_within_a_second(
    ask: Ask, server: WireServer, is_streamed: bool
) -> None:
    server.plan("hang")
    with pytest.raises(AttemptError, match=r"nothing came for"):
        await ask(is_streamed=is_streamed, idle=0.2)
    assert await asyncio.to_thread(server.was_abandoned.wait, 1)


@MODES
async def test_call__with_every_parameter__is_accepted_and_counted_to_the_token(
    ask: Ask, server: WireServer, is_streamed: bool
) -> None:
    text, reason, usage = await ask(is_streamed=is_streamed, temperature=0.5, stop=("END",))
    assert (text, reason) == (TEXT, "stop")
    tokens = Tokens()
    counted = (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens)
    assert counted == (tokens.input, tokens.output, tokens.cached)
    assert not usage.is_estimated
    assert [received.refusal for received in server.received] == [""]


@pytest.mark.parametrize("script", ["split", "crlf", "paced", "thinking", "usage_twice"])
async def test_stream__said_in_an_awkward_way__is_the_same_answer(
    ask: Ask, server: WireServer, script: str
) -> None:
    server.plan(script)
    text, reason, usage = await ask(is_streamed=True)
    assert (text, reason) == (TEXT, "stop")
    assert (usage.input_tokens, usage.output_tokens) == (Tokens().input, Tokens().output)


@MODES
@pytest.mark.parametrize(
    ("script", "kinds"),
    [
        ("429", {"rate_limited"}),
        ("500", {"unavailable"}),
        ("529", {"unavailable"}),
        ("html", {"unavailable"}),
        ("401", {"credential"}),
        ("cut", {"cut", "unavailable"}),
        ("malformed", {"cut", "unavailable"}),
        ("stall", {"cut", "unavailable", "timeout"}),
    ],
)
async def test_call__provider_fails__is_typed_by_what_to_do_next(
    ask: Ask, server: WireServer, script: str, kinds: set[str], is_streamed: bool
) -> None:
    server.script = SCRIPTS[script]
    with pytest.raises(AttemptError) as caught:
        await ask(is_streamed=is_streamed, idle=0.5)
    assert caught.value.kind in kinds
    assert len(server.received) == 1


@pytest.mark.parametrize("script", ["stops_early", "error_event"])
async def test_stream__ended_without_its_end__is_cut(
    ask: Ask, server: WireServer, script: str
) -> None:
    server.plan(script)
    with pytest.raises(AttemptError) as caught:
        await ask(is_streamed=True)
    assert caught.value.kind == "cut"
