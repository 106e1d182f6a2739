"""The official `openai` SDK is the reference: our fast client says and understands the same.

Both talk to the same simulated provider: same body, same headers that matter, and for every status
and every way to fail the same class of outcome.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionStreamOptionsParam

from apps.core.chat import ChatResponse, ToolCall
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.openai.adapter import OpenAIAdapter
from apps.providers.wire_servers.habits import HABITS
from apps.providers.wire_servers.scripts import Script
from apps.providers.wire_servers.server import Received, WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.providers.openai_calls import SECRET, passed, put_together, said

MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
MODEL = "gpt-4.1-mini"
PNG = "data:image/png;base64,iVBORw0KGgo="
FUNCTION = {"name": "weather", "parameters": {"type": "object", "properties": {}}, "strict": False}
CALL = {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
SCHEMA = {"name": "x", "schema": {"type": "object"}}
BODIES: dict[str, dict[str, Any]] = {
    "plain": {"messages": [said("user", "Olá, 東京 👩‍👩‍👧")]},
    "parameters": {
        "messages": [said("system", "Be brief."), said("user", "Hi")],
        "temperature": 0.25,
        "top_p": 1,
        "max_tokens": 50,
        "stop": ["END"],
        "seed": 7,
        "presence_penalty": 0.5,
        "logit_bias": {"50256": -100},
        "response_format": {"type": "json_schema", "json_schema": SCHEMA},
        "service_tier": "flex",
        "user": "ana",
    },
    "tools": {
        "messages": [
            said("user", [{"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}]),
            said("assistant", None, tool_calls=[CALL]),
            said("tool", [{"type": "text", "text": "sunny"}], tool_call_id="a"),
        ],
        "tools": [{"type": "function", "function": FUNCTION}],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "parallel_tool_calls": False,
    },
}
HEADERS = ("authorization", "api-key", "content-type", "host", "cookie")
USAGE: ChatCompletionStreamOptionsParam = {"include_usage": True}

# What the router does next, by the class of the reference's error.
KINDS: tuple[tuple[type[openai.APIError], str], ...] = (
    (openai.AuthenticationError, "credential"),
    (openai.PermissionDeniedError, "credential"),
    (openai.NotFoundError, "credential"),
    (openai.RateLimitError, "rate_limited"),
    (openai.ConflictError, "unavailable"),
    (openai.InternalServerError, "unavailable"),
    (openai.BadRequestError, "rejected"),
    (openai.UnprocessableEntityError, "rejected"),
    (openai.APIConnectionError, "unavailable"),
)
# The reference has no class of its own for these.
KIND_BY_STATUS = {402: "credential", 408: "unavailable", 413: "context_length"}


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server(secret=SECRET) as server:
        yield server


async def ours(call: ProviderCall, *, is_streamed: bool) -> ChatResponse:
    if is_streamed:
        return put_together([event async for event in OpenAIAdapter().stream(call)])
    return await OpenAIAdapter().complete(call)


async def reference(
    server: WireServer, body: dict[str, Any], *, is_streamed: bool, is_azure: bool = False
) -> ChatCompletion:
    """Return the answer that the SDK makes of what the server says."""
    asked = {"model": MODEL, **body}
    options: dict[str, Any] = {"api_key": SECRET, "max_retries": 0, "timeout": 5}
    client: openai.AsyncOpenAI = (
        openai.AsyncAzureOpenAI(
            azure_endpoint=server.url_of("openai").removesuffix("/v1"),
            api_version="2024-10-21",
            **options,
        )
        if is_azure
        else openai.AsyncOpenAI(base_url=server.url_of("openai"), **options)
    )
    async with client:
        if not is_streamed:
            whole: ChatCompletion = await client.chat.completions.create(**asked)
            return whole
        async with client.chat.completions.stream(**asked, stream_options=USAGE) as stream:
            await stream.until_done()
            return await stream.get_final_completion()


def told(received: Received) -> dict[str, str]:
    return {name: received.headers[name] for name in HEADERS if name in received.headers}


@MODES
@pytest.mark.parametrize("name", BODIES)
async def test_body_and_headers__are_the_references(
    server: WireServer, name: str, is_streamed: bool
) -> None:
    body = BODIES[name]
    await reference(server, body, is_streamed=is_streamed)
    await ours(passed(body, model=MODEL, url=server.url_of("openai")), is_streamed=is_streamed)
    theirs, own = server.received
    assert own.body == theirs.body
    assert told(own) == told(theirs)
    assert (own.path, own.request.method) == (theirs.path, theirs.request.method)
    assert [received.refusal for received in server.received] == ["", ""]


@MODES
async def test_azures_address_and_headers__are_the_references(
    server: WireServer, is_streamed: bool
) -> None:
    body = BODIES["plain"]
    url = server.url_of("openai").removesuffix("/v1")
    await reference(server, body, is_streamed=is_streamed, is_azure=True)
    await ours(passed(body, model=MODEL, url=url, kind="azure"), is_streamed=is_streamed)
    theirs, own = server.received
    assert (own.body, own.path) == (theirs.body, theirs.path)
    assert own.request.query == theirs.request.query
    assert told(own) == told(theirs)


ANSWERS = (
    *("text", "tools", "tools_without_arguments", "parallel_tools", "text_and_tools"),
    *("thinking", "thinking_tools", "whole_calls", "split", "crlf", "comments"),
)
# The SDK's helper for streams raises on these.
UNFINISHED = ("length", "filtered")


@pytest.mark.parametrize(
    ("script", "is_streamed"),
    [
        *((script, False) for script in ANSWERS + UNFINISHED),
        *((script, True) for script in ANSWERS),
    ],
)
async def test_answer__is_the_references(
    server: WireServer, script: str, is_streamed: bool
) -> None:
    body = BODIES["plain"]
    server.plan(script, script)
    theirs = await reference(server, body, is_streamed=is_streamed)
    own = await ours(passed(body, url=server.url_of("openai")), is_streamed=is_streamed)
    (choice,) = theirs.choices
    assert own.text == (choice.message.content or "")
    assert own.finish_reason == choice.finish_reason
    calls = [
        (call.function.name, call.function.arguments)
        for call in choice.message.tool_calls or ()
        if call.type == "function"
    ]
    assert [
        (part.name, part.arguments) for part in own.parts if isinstance(part, ToolCall)
    ] == calls
    assert theirs.usage is not None
    assert own.usage.input_tokens == theirs.usage.prompt_tokens
    assert own.usage.output_tokens == theirs.usage.completion_tokens


def kind_of(error: openai.APIError, *, is_streamed: bool) -> str:
    """Return what the router does after an error of the reference."""
    for class_, kind in KINDS:
        if isinstance(error, class_):
            return kind
    if isinstance(error, openai.APIStatusError):
        return KIND_BY_STATUS[error.status_code]
    # An event of a stream that had begun.
    assert is_streamed
    return "cut"


STATUSES = (400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529)


@MODES
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", ["openai", "mistral", "vllm", "ollama"])
async def test_error__of_any_status_and_shape__is_of_the_references_class(
    kind: str, status: int, is_streamed: bool
) -> None:
    body = BODIES["plain"]
    refused = Script(status=status, message="as it is said", headers={"retry-after": "3"})
    with running_wire_server(secret=SECRET, habits=HABITS[kind]) as server:
        server.script = refused
        call = passed(body, url=server.url_of("openai"), kind=kind)
        with pytest.raises(openai.APIStatusError) as theirs:
            await reference(server, body, is_streamed=False)
        with pytest.raises(AttemptError) as own:
            await ours(call, is_streamed=is_streamed)
    assert own.value.http_status == theirs.value.status_code == status
    assert own.value.kind == kind_of(theirs.value, is_streamed=is_streamed)
    assert own.value.message == "as it is said"
    assert own.value.retry_after_seconds == 3


@pytest.mark.parametrize("raw", [b"<html>busy</html>", b"", b'"text"', b"[]", b"{}"])
@pytest.mark.parametrize("status", [400, 401, 429, 502])
async def test_error__with_a_body_of_no_known_shape__is_of_the_references_class(
    server: WireServer, status: int, raw: bytes
) -> None:
    body = BODIES["plain"]
    server.script = Script(status=status, body=raw or b" ")
    with pytest.raises(openai.APIStatusError) as theirs:
        await reference(server, body, is_streamed=False)
    with pytest.raises(AttemptError) as own:
        await ours(passed(body, url=server.url_of("openai")), is_streamed=False)
    assert own.value.kind == kind_of(theirs.value, is_streamed=False)


@pytest.mark.parametrize(
    ("script", "kind"), [("error_event", "cut"), ("cut", "cut"), ("malformed", "cut")]
)
async def test_stream__that_fails_half_way__fails_with_both(
    server: WireServer, script: str, kind: str
) -> None:
    body = BODIES["plain"]
    server.plan(script, script)
    # An event of the SDK, a broken connection, JSON that is none.
    with pytest.raises((openai.APIError, httpx2.HTTPError, ValueError)):
        await reference(server, body, is_streamed=True)
    with pytest.raises(AttemptError) as own:
        await ours(passed(body, url=server.url_of("openai")), is_streamed=True)
    assert own.value.kind == kind


async def test_stream__that_ends_quietly_before_its_end__is_cut_though_the_reference_is_content(
    server: WireServer,
) -> None:
    body = BODIES["plain"]
    server.plan("stops_early", "stops_early")
    theirs = await reference(server, body, is_streamed=True)
    assert theirs.choices[0].model_dump()["finish_reason"] is None
    with pytest.raises(AttemptError) as own:
        await ours(passed(body, url=server.url_of("openai")), is_streamed=True)
    assert own.value.kind == "cut"


@MODES
async def test_server_that_refuses_the_connection__is_unavailable_with_both(
    server: WireServer, is_streamed: bool
) -> None:
    gone = replace(server, port=9)
    with pytest.raises(openai.APIConnectionError) as theirs:
        await reference(gone, BODIES["plain"], is_streamed=is_streamed)
    with pytest.raises(AttemptError) as own:
        await ours(passed({}, url=gone.url_of("openai")), is_streamed=is_streamed)
    assert own.value.kind == kind_of(theirs.value, is_streamed=is_streamed)
