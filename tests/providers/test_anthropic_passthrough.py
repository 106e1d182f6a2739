"""Anthropic's own dialect to Anthropic and back: untouched but for model and limit. AA1 to AA3."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from apps.core.chat import (
    ChatRequest,
    Grammar,
    Message,
    StreamEvent,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
)
from apps.providers.adapters.anthropic.adapter import AnthropicAdapter
from apps.providers.adapters.base import (
    AttemptError,
    Connection,
    ModelFacts,
    ProviderCall,
    Timeouts,
)
from apps.providers.wire_servers.scripts import (
    SCRIPTS,
    TEXT,
    THOUGHT,
    WEATHER,
    WEATHER_ABROAD,
    Tokens,
    signature_of,
)
from apps.providers.wire_servers.scripts import Script as WireScript
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.providers.upstream import Upstream

MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
SECRET = "secret-1234"
MODEL = "claude-opus-4-8"
HELLO = {"role": "user", "content": "Say hello."}
COUNTS = TokenUsage(input_tokens=25, output_tokens=7, cached_input_tokens=5)
# The order of the keys is part of what must not change: prefixes are cached by it.
ODD_BODY: dict[str, Any] = {
    "stream": False,
    "zeta_of_tomorrow": {"z": 1, "a": [None, 1.5, {"y": "ü", "x": "\u2028"}]},
    "max_tokens": 100,
    "messages": [
        {
            "content": [
                {"type": "block_of_tomorrow", "z": 1, "a": {"y": 2, "x": "👩‍👩‍👧"}},
                {"cache_control": {"type": "ephemeral", "ttl": "1h"}, "text": "a", "type": "text"},
            ],
            "role": "user",
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm. 🌍\n", "signature": "EqQ/+a=="},
                {"type": "redacted_thinking", "data": "b3BhcXVl"},
                {"type": "thinking", "thinking": "", "signature": "omitted=="},
                {"type": "server_tool_use", "id": "srv.1", "name": "web_search", "input": {}},
            ],
        },
        {"role": "user", "content": "Go on"},
    ],
    "model": "alias",
    "tools": [{"type": "web_search_20260101", "name": "web_search", "max_uses": 1}],
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "metadata": {"user_id": "u-1"},
}


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server(secret=SECRET) as server:
        yield server


def aimed(
    url: str,
    body: dict[str, Any] | None = None,
    *,
    limit: int | None = None,
    headers: dict[str, str] | None = None,
    **changes: Any,
) -> ProviderCall:
    """Return a call whose body is in Anthropic's own dialect."""
    usual = {"model": "alias", "max_tokens": 100, "messages": [HELLO]}
    request = ChatRequest(
        model="alias",
        messages=(Message("user", "Say hello."),),
        dialect="anthropic",
        raw={**(usual if body is None else body), **changes},
        headers=headers or {},
    )
    limits = Timeouts(first_token=2, idle=2, total=5)
    return ProviderCall(
        request, Connection("anthropic", url, MODEL, SECRET), limit, limits, "req_1"
    )


async def sent(upstream: Upstream, call: ProviderCall, *, is_streamed: bool) -> dict[str, Any]:
    """Return the body that reaches the provider."""
    await ask(call, is_streamed=is_streamed)
    return upstream.received[-1].body


async def ask(call: ProviderCall, *, is_streamed: bool) -> tuple[str, ...]:
    """Return what of the request was lost."""
    if is_streamed:
        return (await events_of(call))[0].dropped
    return (await AnthropicAdapter().complete(call)).dropped


async def events_of(call: ProviderCall) -> list[StreamEvent]:
    return [event async for event in AnthropicAdapter().stream(call)]


# --- What goes out --------------------------------------------------------------------------------


@MODES
async def test_aa1__body__changes_in_model_and_streaming_alone(
    upstream: Upstream, is_streamed: bool
) -> None:
    before = json.dumps(ODD_BODY)
    found = await sent(upstream, aimed(upstream.url, ODD_BODY), is_streamed=is_streamed)
    expected = ODD_BODY | {"model": MODEL, "stream": True}
    if not is_streamed:
        del expected["stream"]
    # As text: the order counts, inside and out.
    assert json.dumps(found) == json.dumps(expected)
    assert json.dumps(ODD_BODY) == before, "the caller's body stays as it was"


@pytest.mark.parametrize(
    ("given", "limit", "expected"),
    [(100, None, 100), (100, 50, 50), (100, 200, 100), (None, 50, 50), (None, None, 16_384)],
)
async def test_aa1__limit__is_the_smaller_one(
    upstream: Upstream, given: int | None, limit: int | None, expected: int
) -> None:
    call = aimed(upstream.url, limit=limit, max_tokens=given)
    assert (await sent(upstream, call, is_streamed=False))["max_tokens"] == expected


async def test_aa1__limit_that_nobody_gave__is_no_more_than_the_model_has(
    upstream: Upstream,
) -> None:
    call = replace(aimed(upstream.url, max_tokens=None), model=ModelFacts(max_output_tokens=4_000))
    assert (await sent(upstream, call, is_streamed=False))["max_tokens"] == 4_000


@pytest.mark.parametrize(
    ("limit", "thinking", "dropped"),
    [
        (9_000, {"type": "enabled", "budget_tokens": 8_000, "display": "omitted"}, ()),
        (
            4_000,
            {"type": "enabled", "budget_tokens": 4_000 - 1_024, "display": "omitted"},
            ("thinking",),
        ),
        (2_000, None, ("thinking",)),
    ],
)
async def test_aa1__budget_of_thoughts__stays_below_a_limit_that_was_lowered(
    upstream: Upstream, limit: int, thinking: dict[str, Any] | None, dropped: tuple[str, ...]
) -> None:
    given = {"type": "enabled", "budget_tokens": 8_000, "display": "omitted"}
    call = aimed(upstream.url, limit=limit, max_tokens=10_000, thinking=given)
    assert await ask(call, is_streamed=False) == dropped
    assert upstream.received[-1].body.get("thinking") == thinking


@MODES
async def test_aa1__betas_and_version__are_the_clients_and_nothing_else_of_it(
    upstream: Upstream, is_streamed: bool
) -> None:
    headers = {
        "anthropic-beta": "files-api-2025-04-14,of-tomorrow",
        "anthropic-version": "2023-06-01",
        "x-api-key": "key-of-the-client",
        "authorization": "Bearer key-of-the-client",
    }
    await ask(aimed(upstream.url, headers=headers), is_streamed=is_streamed)
    (received,) = upstream.received
    assert received.headers["anthropic-beta"] == headers["anthropic-beta"]
    assert received.headers["anthropic-version"] == "2023-06-01"
    assert received.headers["authorization"] == f"Bearer {SECRET}"
    assert "key-of-the-client" not in str(received.headers)


async def test_t16__version_that_the_client_does_not_say__is_the_one_that_takes_most(
    server: WireServer,
) -> None:
    cited = {"type": "text", "text": "So it is.", "citations": [{"type": "char_location"}]}
    call = aimed(server.url_of("anthropic"), messages=[{"role": "user", "content": [cited]}])
    assert await ask(call, is_streamed=False) == ()
    assert server.received[0].headers["anthropic-version"] == "2023-06-01"


async def test_t16__betas_of_another_dialect__do_not_reach_anthropic(upstream: Upstream) -> None:
    call = aimed(upstream.url, headers={"anthropic-beta": "of-tomorrow"})
    spoken = replace(call.request, dialect="router", raw={})
    await ask(replace(call, request=spoken), is_streamed=False)
    assert "anthropic-beta" not in upstream.received[0].headers


async def test_aa1__what_the_router_adds__is_added_by_the_dialects_own_grammar(
    upstream: Upstream,
) -> None:
    call = aimed(upstream.url)
    grammar = Grammar(
        read=lambda _body: pytest.fail("a body that passes through is not read"),
        amend=lambda body, _before, parameters: {**body, **parameters, "system": "Be brief."},
    )
    ruled = replace(call.request, grammar=grammar, parameters={"temperature": 0.5})
    found = await sent(upstream, replace(call, request=ruled), is_streamed=False)
    assert (found["system"], found["temperature"]) == ("Be brief.", 0.5)


@MODES
async def test_aa1__model_that_refuses_sampling__is_asked_without_and_told(
    server: WireServer, is_streamed: bool
) -> None:
    headers = {"anthropic-version": "2026-10-21"}
    call = aimed(server.url_of("anthropic"), headers=headers, temperature=0.5, top_k=5)
    assert await ask(call, is_streamed=is_streamed) == ("temperature", "top_k")
    first, second = (received.body for received in server.received)
    assert {**second, "temperature": 0.5, "top_k": 5} == first


# --- What comes back ------------------------------------------------------------------------------


async def test_aa1__whole_answer__is_the_providers_body_and_the_neutral_form(
    server: WireServer,
) -> None:
    server.script = replace(SCRIPTS["thinking_tools"], has_unknowns=True)
    call = aimed(server.url_of("anthropic"), headers={"anthropic-beta": "of-tomorrow"})
    answer = await AnthropicAdapter().complete(call)
    assert answer.raw_dialect == "anthropic"
    assert answer.raw["of_tomorrow"]["betas"] == ["of-tomorrow"]
    kinds = [block["type"] for block in answer.raw["content"]]
    assert kinds == ["thinking", "block_of_tomorrow", "tool_use", "tool_use"]
    assert list(answer.raw["content"][1]) == ["type", "z", "a"]
    thought, *calls = answer.parts
    assert thought == Thinking(THOUGHT, signature_of(THOUGHT), origin="anthropic")
    assert [type(part) for part in calls] == [ToolCall, ToolCall]
    assert answer.finish_reason == "tool_calls"
    assert answer.usage == COUNTS


async def test_aa1__numbers_beyond_64_bits__are_exact_in_the_neutral_form(
    upstream: Upstream,
) -> None:
    use = {"type": "tool_use", "id": "t1", "name": "f", "input": {"n": 2**70}}
    upstream.script.blocks = ({"type": "text", "text": "Hi"}, use)
    answer = await AnthropicAdapter().complete(aimed(upstream.url))
    assert answer.parts == (Text("Hi"), ToolCall("t1", "f", f'{{"n":{2**70}}}'))


async def test_aa1__stream__gives_every_event_as_it_came_and_in_order(server: WireServer) -> None:
    server.script = SCRIPTS["unknowns"]
    events = await events_of(aimed(server.url_of("anthropic")))
    raws = [dict(event.raw or {}) for event in events]
    assert {event.raw_dialect for event in events} == {"anthropic"}
    kinds = [raw["type"] for raw in raws]
    deltas = [kind for kind in kinds if kind == "content_block_delta"]
    expected = [
        *("message_start", "content_block_start", "ping", "event_of_tomorrow"),
        *deltas[:-1],
        *("content_block_stop", "content_block_start", "content_block_delta"),
        *("content_block_stop", "message_delta", "message_stop"),
    ]
    assert kinds == expected
    assert list(raws[3]) == ["type", "z", "a"]
    assert raws[-4]["delta"]["type"] == "delta_of_tomorrow"
    assert "".join(event.text for event in events) == TEXT


async def test_aa1__stream__says_all_of_it_in_the_neutral_form_too(server: WireServer) -> None:
    server.script = replace(SCRIPTS["thinking_tools"], text=TEXT)
    events = await events_of(aimed(server.url_of("anthropic")))
    assert "".join(event.text for event in events) == TEXT
    assert "".join(event.thinking for event in events) == THOUGHT
    (thought,) = [event.thought for event in events if event.thought]
    assert thought == Thinking(THOUGHT, signature_of(THOUGHT), origin="anthropic")
    calls = [event.tool_call for event in events if event.tool_call]
    for index, wanted in enumerate((WEATHER, WEATHER_ABROAD)):
        pieces = [call for call in calls if call.index == index]
        assert pieces[0].name == wanted.name
        assert json.loads("".join(call.arguments for call in pieces)) == wanted.arguments
    assert [event.finish_reason for event in events if event.finish_reason] == ["tool_calls"]
    assert [event.usage for event in events if event.usage] == [COUNTS]
    assert events[-1].finish_reason, "the last event is the end"


@pytest.mark.parametrize("script", ["stops_early", "cut", "malformed", "error_event"])
async def test_oa33__passed_stream_without_its_last_event__is_cut(
    server: WireServer, script: str
) -> None:
    server.script = SCRIPTS[script]
    with pytest.raises(AttemptError) as told:
        await events_of(aimed(server.url_of("anthropic")))
    assert told.value.kind == "cut"


@pytest.mark.parametrize("sent_before", [0, 1])
async def test_oa32__passed_stream_that_fails_before_the_answer_begins__is_no_stream_yet(
    server: WireServer, sent_before: int
) -> None:
    server.script = WireScript(error_after=sent_before, message="overloaded now")
    events = AnthropicAdapter().stream(aimed(server.url_of("anthropic")))
    with pytest.raises(AttemptError) as told:
        await anext(events)
    assert told.value.kind == "unavailable"
    assert told.value.http_status == 529


@MODES
async def test_aa2__overload__stays_an_overload(server: WireServer, is_streamed: bool) -> None:
    server.script = SCRIPTS["529"]
    with pytest.raises(AttemptError) as told:
        await ask(aimed(server.url_of("anthropic")), is_streamed=is_streamed)
    error = told.value
    assert (error.kind, error.http_status, error.provider_code) == (
        "unavailable",
        529,
        "overloaded_error",
    )


@MODES
async def test_aa2__limit_of_the_provider__says_when_to_come_back(
    server: WireServer, is_streamed: bool
) -> None:
    server.script = SCRIPTS["429"]
    with pytest.raises(AttemptError) as told:
        await ask(aimed(server.url_of("anthropic")), is_streamed=is_streamed)
    error = told.value
    assert (error.kind, error.retry_after_seconds) == ("rate_limited", 1.0)


async def test_aa3__pings__are_forwarded_where_they_came(upstream: Upstream) -> None:
    events = await events_of(aimed(upstream.url))
    kinds = [event.raw["type"] for event in events if event.raw]
    assert kinds[:3] == ["message_start", "ping", "content_block_start"]


@pytest.mark.parametrize("script", ["split", "crlf", "comments", "paced"])
async def test_t6__passed_stream__however_it_comes__keeps_every_character(
    server: WireServer, script: str
) -> None:
    server.script = SCRIPTS[script]
    events = await events_of(aimed(server.url_of("anthropic")))
    assert "".join(event.text for event in events) == TEXT
    assert events[-1].usage == COUNTS
    assert Tokens().input == COUNTS.input_tokens
