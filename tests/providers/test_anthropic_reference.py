"""The fast path against Anthropic's own SDK, over real sockets: the same bytes, the same errors."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from apps.core.chat import ChatRequest, ChatResponse, StreamEvent
from apps.providers.adapters.anthropic.adapter import AnthropicAdapter
from apps.providers.adapters.base import (
    AttemptError,
    Connection,
    ProviderAdapter,
    ProviderCall,
    Timeouts,
)
from apps.providers.wire_servers.scripts import SCRIPTS
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.providers.anthropic_calls import CLOCK, NEW, WEATHER, calling, make_call, result
from tests.providers.anthropic_reference import AnthropicReference
from tests.providers.upstream import Received, Upstream
from tests.providers.wires import Script

VERSION = "anthropic-version"
SECRET = "secret-of-the-provider-1234"
MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
# What tells the provider how to read a body, and who asks.
MEANINGFUL_HEADERS = ("authorization", "anthropic-version", "anthropic-beta", "content-type")
HELLO: dict[str, Any] = {"role": "user", "content": "Olá 🌍"}
BODIES: dict[str, dict[str, Any]] = {
    "text": {"messages": [HELLO]},
    "sampling": {"messages": [HELLO], "temperature": 0.4, "top_k": 7, "stop": ["END"]},
    "tools": {
        "messages": [HELLO, calling("c1", "c:2"), result("c1"), result("c:2", "rainy")],
        "tools": [WEATHER, CLOCK],
        "parallel_tool_calls": False,
        "user": "u-1",
    },
    "everything": {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                ],
            },
        ],
        "reasoning_effort": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": {"type": "object"}},
        },
    },
}
OWN_BODY: dict[str, Any] = {
    "model": "alias",
    "max_tokens": 100,
    "temperature": 0.5,
    "of_tomorrow": {"b": 1, "a": [None, 1.5, "ü"]},
    "messages": [
        {"role": "user", "content": [{"type": "of_tomorrow", "z": 1, "a": {"y": 2, "x": "🌍"}}]}
    ],
}
type Outcome = ChatResponse | list[StreamEvent] | AttemptError


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server(secret=SECRET) as server:
        yield server


def aimed(url: str, *, secret: str = SECRET, **body: Any) -> ProviderCall:
    limits = Timeouts(first_token=0.5, idle=0.5, total=2)
    call = make_call(**{"messages": [HELLO], **body})
    return replace(call, connection=Connection("anthropic", url, NEW, secret), timeouts=limits)


def own(url: str, **changes: Any) -> ProviderCall:
    """Return a call whose body is in Anthropic's own dialect."""
    request = ChatRequest(
        model="alias",
        messages=(),
        dialect="anthropic",
        raw=OWN_BODY | changes,
        headers={VERSION: "2023-06-01", "anthropic-beta": "files-api-2025-04-14,of-tomorrow"},
    )
    return replace(aimed(url), request=request)


async def outcome(adapter: ProviderAdapter, call: ProviderCall, *, is_streamed: bool) -> Outcome:
    """Return what comes of a call: its answer, its events, or its error."""
    try:
        if is_streamed:
            return [event async for event in adapter.stream(call)]
        return await adapter.complete(call)
    except AttemptError as error:
        return error


async def both(call: ProviderCall, *, is_streamed: bool) -> tuple[Outcome, Outcome]:
    """Return what comes of a call on the fast path, and through the SDK."""
    fast = await outcome(AnthropicAdapter(), call, is_streamed=is_streamed)
    return fast, await outcome(AnthropicReference(), call, is_streamed=is_streamed)


def meaning(received: Received) -> dict[str, Any]:
    """Return what of a request matters: JSON as its text, since the order inside may count."""
    headers = {name: received.headers.get(name) for name in MEANINGFUL_HEADERS}
    fields = {name: json.dumps(value) for name, value in received.body.items()}
    return {"path": received.path, **headers, **fields}


def told(error: Outcome) -> tuple[Any, ...]:
    """Return what the router learns from an error of a provider that did answer."""
    assert isinstance(error, AttemptError)
    return (
        error.kind,
        error.message,
        error.http_status,
        error.retry_after_seconds,
        error.provider_code,
    )


def neutral(found: Outcome) -> list[Any]:
    """Return an answer without what only passes through."""
    if isinstance(found, ChatResponse):
        return [replace(found, raw={}, raw_dialect=None)]
    assert isinstance(found, list)
    nothing = StreamEvent()
    events = (replace(event, raw=None, raw_dialect=None) for event in found)
    return [event for event in events if event != nothing]


@MODES
@pytest.mark.parametrize("name", BODIES)
async def test_request__of_another_dialect__is_the_same_as_the_sdks(
    upstream: Upstream, name: str, is_streamed: bool
) -> None:
    await both(aimed(upstream.url, **BODIES[name]), is_streamed=is_streamed)
    fast, sdk = map(meaning, upstream.received)
    if name == "sampling":
        # The SDK has given it up; the API has an older version that still knows it.
        assert (fast.pop(VERSION), sdk.pop(VERSION)) == ("2023-06-01", "2026-10-21")
    assert fast == sdk
    assert fast["authorization"] == f"Bearer {SECRET}"


@MODES
async def test_request__of_the_same_dialect__is_the_same_as_the_sdks(
    upstream: Upstream, is_streamed: bool
) -> None:
    await both(own(upstream.url), is_streamed=is_streamed)
    fast, sdk = map(meaning, upstream.received)
    assert fast == sdk
    assert fast["of_tomorrow"] == json.dumps(OWN_BODY["of_tomorrow"])
    assert fast[VERSION] == "2023-06-01"
    assert fast["anthropic-beta"] == "files-api-2025-04-14,of-tomorrow"


@MODES
@pytest.mark.parametrize(
    "name",
    [
        "text",
        "thinking_tools",
        "hidden_thinking",
        "length",
        "filtered",
        "tools_without_arguments",
        "usage_missing",
        "usage_twice",
        "split",
        "crlf",
        "comments",
        "unknown_reason",
    ],
)
async def test_answer__is_read_as_the_sdk_reads_it(
    server: WireServer, name: str, is_streamed: bool
) -> None:
    server.script = SCRIPTS[name]
    fast, sdk = await both(aimed(server.url_of("anthropic")), is_streamed=is_streamed)
    # Every answer of the server has ids of its own.
    fast_text, sdk_text = (
        str(neutral(found)).replace("sim000002", "sim000001") for found in (fast, sdk)
    )
    assert fast_text == sdk_text


@MODES
async def test_answer__passed_through__says_the_same_as_the_sdks(
    upstream: Upstream, is_streamed: bool
) -> None:
    fast, sdk = await both(own(upstream.url), is_streamed=is_streamed)
    assert neutral(fast) == neutral(sdk)


@MODES
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "no"}'], ids=repr)
@pytest.mark.parametrize(
    "status",
    [301, 307, 400, 401, 402, 403, 404, 405, 408, 409, 413, 422, 425, 429, 500, 502, 503, 504, 529],
)
async def test_status__is_the_same_error_as_the_sdks(
    upstream: Upstream, status: int, body: bytes, is_streamed: bool
) -> None:
    upstream.script = Script(
        status=status,
        body=body,
        message=f"no, {SECRET}",
        headers={"retry-after": "7", "location": f"{upstream.url}/elsewhere"},
    )
    fast, sdk = await both(aimed(upstream.url), is_streamed=is_streamed)
    assert told(fast) == told(sdk)
    assert len(upstream.received) == 2


@MODES
@pytest.mark.parametrize(
    "words", ["prompt is too long: 9 tokens", "Your credit balance is too low", "temperature: no"]
)
async def test_words_of_a_refusal__are_the_same_error_as_the_sdks(
    upstream: Upstream, words: str, is_streamed: bool
) -> None:
    upstream.script = Script(status=400, message=words)
    fast, sdk = await both(aimed(upstream.url), is_streamed=is_streamed)
    assert told(fast) == told(sdk)


FAULTS: dict[str, Script] = {
    "cut": Script(is_cut=True),
    "cut at once": Script(is_cut=True, error_after=0),
    "late": Script(delay=1),
    "idle": Script(stops_early=True, hangs=True),
    "quiet end": Script(stops_early=True),
    "rubbish": Script(stops_early=True, rubbish=b"event: message_delta\ndata: {rubbish\n\n"),
    "rubbish first": Script(error_after=0, rubbish=b"event: message_start\ndata: {rub\n\n"),
    "error first": Script(error_after=0, message="overloaded now", code="overloaded_error"),
    "error later": Script(error_after=4, message="overloaded now", code="overloaded_error"),
    "error after the start": Script(error_after=2, code="rate_limit_error"),
    "no message": Script(body=b'{"a": 1}', stops_early=True),
    "html": Script(body=b"<html>busy</html>", stops_early=True),
}


@MODES
@pytest.mark.parametrize("name", FAULTS)
async def test_fault__is_the_same_error_as_the_sdks(
    upstream: Upstream, name: str, is_streamed: bool
) -> None:
    upstream.script = FAULTS[name]
    call = replace(aimed(upstream.url), timeouts=Timeouts(first_token=0.3, idle=0.3, total=0.6))
    fast, sdk = await both(call, is_streamed=is_streamed)
    if not isinstance(sdk, AttemptError):
        # A fault of streams alone.
        assert neutral(fast) == neutral(sdk)
        return
    assert isinstance(fast, AttemptError)
    assert (fast.kind, fast.http_status, fast.provider_code) == (
        sdk.kind,
        sdk.http_status,
        sdk.provider_code,
    )


@MODES
async def test_refused_connection__is_the_same_error_as_the_sdks(is_streamed: bool) -> None:
    fast, sdk = await both(aimed("http://127.0.0.1:9"), is_streamed=is_streamed)
    assert isinstance(fast, AttemptError)
    assert isinstance(sdk, AttemptError)
    assert fast.kind == sdk.kind == "unavailable"
