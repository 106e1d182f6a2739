"""Anthropic's adapter over a real socket: what goes out, what was lost, and what comes back."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from apps.providers.adapters.anthropic.adapter import AnthropicAdapter
from apps.providers.adapters.base import AttemptError, Connection, ProviderCall
from apps.providers.wire_servers.scripts import SCRIPTS
from apps.providers.wire_servers.scripts import Script as WireScript
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.providers.anthropic_calls import CLOCK, make_call
from tests.providers.upstream import Upstream
from tests.providers.wires import Script

MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
SECRET = "secret-1234"


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server(secret=SECRET) as server:
        yield server


def aimed(url: str, **body: Any) -> ProviderCall:
    connection = Connection("anthropic", url, "claude-opus-4-8", SECRET)
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
        upstream.url,
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
    assert (body["tool_choice"], body["thinking"]) == (
        {"type": "none"},
        {"type": "adaptive", "display": "summarized"},
    )
    assert "temperature" not in body


@MODES
@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
async def test_oa18__model_that_refuses_sampling__is_asked_without_and_told(
    server: WireServer, is_streamed: bool, name: str
) -> None:
    server.plan(WireScript(status=400, message=f"{name}: Extra inputs are not permitted"), "text")
    call = aimed(server.url_of("anthropic"), **{name: 1})
    text, dropped = await ask(call, is_streamed=is_streamed)
    assert text == SCRIPTS["text"].text
    assert dropped == (name,)
    assert [name in received.body for received in server.received] == [True, False]


@MODES
async def test_oa18__sampling__is_asked_of_the_version_of_the_api_that_knows_it(
    server: WireServer, is_streamed: bool
) -> None:
    call = aimed(server.url_of("anthropic"), temperature=0.5)
    assert (await ask(call, is_streamed=is_streamed))[1] == ()
    await ask(aimed(server.url_of("anthropic")), is_streamed=is_streamed)
    versions = [received.headers["anthropic-version"] for received in server.received]
    assert versions == ["2023-06-01", "2026-10-21"]


@MODES
async def test_refusal__that_is_about_something_else__is_not_tried_again(
    server: WireServer, is_streamed: bool
) -> None:
    server.script = SCRIPTS["400"]
    with pytest.raises(AttemptError) as told:
        await ask(aimed(server.url_of("anthropic"), temperature=0.5), is_streamed=is_streamed)
    assert told.value.kind == "rejected"
    assert len(server.received) == 1


@MODES
async def test_request__that_cannot_be_expressed__never_reaches_the_provider(
    upstream: Upstream, is_streamed: bool
) -> None:
    with pytest.raises(AttemptError) as told:
        await ask(aimed(upstream.url, tool_choice="required"), is_streamed=is_streamed)
    assert (told.value.kind, told.value.param) == ("not_expressible", "tool_choice")
    assert upstream.received == []
