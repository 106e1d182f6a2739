"""A route that wants nothing lost: every wire refuses before it sends, naming the field."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.core.chat import ChatRequest
from apps.gateway.wire.anthropic import request as anthropic
from apps.gateway.wire.openai_chat import request as openai_chat
from apps.providers.adapters.base import AttemptError, Connection, ProviderCall, Timeouts
from apps.providers.adapters.registry import adapter_for
from apps.providers.wire_servers.scripts import Script
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.providers.contract.conftest import SECRET, collect

HELLO = [{"role": "user", "content": "hi"}]
MODELS = {
    "openai": "gpt-4.1-mini",
    "anthropic": "claude-sonnet-4-5",
    "google": "gemini-3.5-flash",
    "palm": "text-bison-001",
}
MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server() as server:
        yield server


def lossy(kind: str) -> tuple[ChatRequest, str]:
    """Return a request with a field for which the wire has no form, and the field."""
    if kind == "openai":
        body: dict[str, Any] = {"model": "m", "max_tokens": 50, "messages": HELLO, "top_k": 5}
        return anthropic.parse(body), "top_k"
    body = {"model": "m", "messages": HELLO, "logit_bias": {"5": 1}}
    return openai_chat.parse(body), "logit_bias"


def call_of(kind: str, request: ChatRequest, server: WireServer, *, refuses: bool) -> ProviderCall:
    connection = Connection(kind, server.url_of(kind), MODELS[kind], SECRET)
    return ProviderCall(request, connection, None, Timeouts(), "req_1", refuses_loss=refuses)


@MODES
@pytest.mark.parametrize("kind", list(MODELS))
async def test_loss__that_the_route_refuses__is_named_before_anything_is_sent(
    kind: str, server: WireServer, is_streamed: bool
) -> None:
    request, field = lossy(kind)
    call, adapter = call_of(kind, request, server, refuses=True), adapter_for(kind)
    with pytest.raises(AttemptError) as told:
        await (collect(adapter, call) if is_streamed else adapter.complete(call))
    assert (told.value.kind, told.value.param) == ("not_expressible", field)
    assert server.received == []


@MODES
@pytest.mark.parametrize("kind", list(MODELS))
async def test_loss__that_the_route_allows__is_told_with_the_answer(
    kind: str, server: WireServer, is_streamed: bool
) -> None:
    request, field = lossy(kind)
    call, adapter = call_of(kind, request, server, refuses=False), adapter_for(kind)
    if is_streamed:
        first, *_rest = await collect(adapter, call)
        assert first.dropped == (field,)
    else:
        assert (await adapter.complete(call)).dropped == (field,)


def with_a_thought(kind: str) -> ChatRequest:
    """Return a conversation in which another provider has thought, in another wire's dialect."""
    if kind == "openai":
        thought = {"type": "thinking", "thinking": "Hm.", "signature": "of another"}
        said: Any = [thought, {"type": "text", "text": "hi"}]
        turns = [*HELLO, {"role": "assistant", "content": said}, *HELLO]
        return anthropic.parse({"model": "m", "max_tokens": 50, "messages": turns})
    spoken = {"role": "assistant", "content": "hi", "reasoning_content": "Hm."}
    return openai_chat.parse({"model": "m", "messages": [*HELLO, spoken, *HELLO]})


@pytest.mark.parametrize("kind", ["openai", "anthropic", "google"])
async def test_ao4_x1__thought_of_another_provider__is_told_and_refused_by_no_route(
    kind: str, server: WireServer
) -> None:
    call = call_of(kind, with_a_thought(kind), server, refuses=True)
    assert (await adapter_for(kind).complete(call)).dropped == ("reasoning_content",)


async def test_loss__found_when_the_provider_refuses_the_field__ends_there(
    server: WireServer,
) -> None:
    message = "Unsupported parameter: 'temperature' is not supported with this model."
    refusal = Script(status=400, message=message, code="unsupported_parameter")
    for kind in ("openai", "anthropic"):
        server.forget()
        server.plan(refusal)
        body: dict[str, Any] = {"model": "m", "messages": HELLO, "temperature": 0.5}
        if kind == "openai":
            request = anthropic.parse({**body, "max_tokens": 50})
        else:
            request = openai_chat.parse(body)
        with pytest.raises(AttemptError) as told:
            await adapter_for(kind).complete(call_of(kind, request, server, refuses=True))
        assert (told.value.kind, told.value.param) == ("not_expressible", "temperature")
        assert len(server.received) == 1
