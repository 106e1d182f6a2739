"""Anthropic's adapter over a real socket: what goes out, what was lost, and what comes back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import anthropic
import httpx2
import pytest

from apps.providers.adapters.anthropic import adapter as module
from apps.providers.adapters.anthropic.adapter import AnthropicAdapter
from apps.providers.adapters.base import AttemptError, Connection, ProviderCall
from apps.providers.adapters.sdk import close_sdk_clients
from tests.providers.anthropic_calls import CLOCK, make_call
from tests.providers.upstream import Upstream
from tests.providers.wires import Script

MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])


@pytest.fixture(autouse=True)
async def _closed_clients() -> AsyncIterator[None]:
    yield
    await close_sdk_clients()


def aimed(upstream: Upstream, **body: Any) -> ProviderCall:
    connection = Connection("anthropic", upstream.url, "claude-opus-4-8", "secret-1234")
    return replace(make_call(**body), connection=connection)


async def ask(call: ProviderCall, *, is_streamed: bool) -> tuple[str, tuple[str, ...]]:
    """Return the text and what was dropped."""
    if not is_streamed:
        answer = await AnthropicAdapter().complete(call)
        return answer.text, answer.dropped
    events = [event async for event in AnthropicAdapter().stream(call)]
    assert not any(event.dropped for event in events[1:]), "told once, with the first event"
    return "".join(event.text for event in events), events[0].dropped


@MODES
async def test_request__with_all_that_the_wire_carries__reaches_the_provider(
    upstream: Upstream, is_streamed: bool
) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
    schema = {"name": "x", "schema": {"type": "object"}}
    call = aimed(
        upstream,
        messages=[{"role": "user", "content": [image]}],
        tools=[CLOCK],
        tool_choice="none",
        response_format={"type": "json_schema", "json_schema": schema},
        reasoning_effort="low",
        temperature=0.5,
        seed=1,
    )
    upstream.script = Script(blocks=({"type": "text", "text": "{}"},))
    text, dropped = await ask(call, is_streamed=is_streamed)
    assert (text, dropped) == ("{}", ("seed", "temperature"))
    (received,) = upstream.received
    body = received.body
    assert body["messages"][0]["content"][0]["source"]["url"] == "https://x.test/a.png"
    assert body["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {"type": "object"}},
    }
    assert (body["tool_choice"], body["thinking"]) == ({"type": "none"}, {"type": "adaptive"})
    assert "temperature" not in body


@MODES
async def test_oa18__model_that_refuses_sampling__is_asked_without_and_told(
    upstream: Upstream, is_streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, really_send = [], module._send

    async def send(call: ProviderCall, arguments: dict[str, Any], *rest: Any, **more: Any) -> Any:
        sent.append(dict(arguments))
        if "extra_body" in arguments:
            response = httpx2.Response(400, request=httpx2.Request("POST", upstream.url))
            body = {"error": {"message": "temperature is not supported"}}
            raise anthropic.BadRequestError("no", response=response, body=body)
        return await really_send(call, arguments, *rest, **more)

    monkeypatch.setattr(module, "_send", send)
    call = aimed(upstream, temperature=0.5)
    _text, dropped = await ask(call, is_streamed=is_streamed)
    assert dropped == ("temperature",)
    assert ["extra_body" in arguments for arguments in sent] == [True, False]


@MODES
async def test_request__that_cannot_be_expressed__never_reaches_the_provider(
    upstream: Upstream, is_streamed: bool
) -> None:
    with pytest.raises(AttemptError) as told:
        await ask(aimed(upstream, tool_choice="required"), is_streamed=is_streamed)
    assert (told.value.kind, told.value.param) == ("not_expressible", "tool_choice")
    assert upstream.received == []
