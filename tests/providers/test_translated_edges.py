"""What translated requests and odd answers must not break on, wire by wire."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from apps.core.chat import ChatRequest, Message, ToolCall
from apps.core.tokens import estimate_body
from apps.gateway.wire.gemini import request as gemini_request
from apps.gateway.wire.openai_chat import request as openai_chat
from apps.providers.adapters.anthropic.requests import build_request as build_anthropic
from apps.providers.adapters.base import AttemptError, Connection, ProviderCall, Timeouts
from apps.providers.adapters.openai.calls import CallPieces
from apps.providers.adapters.openai.errors import error_from_answer
from apps.providers.adapters.openai.names import ToolNames
from apps.providers.adapters.openai.requests import build_request as build_openai
from apps.providers.adapters.registry import adapter_for, list_models
from apps.providers.wire_servers import scripts
from apps.providers.wire_servers.scripts import Script
from apps.providers.wire_servers.threaded import running_wire_server

SECRET = "secret-of-the-provider-1234"
HELLO = [{"role": "user", "content": "hi"}]
NAMED = "srv.get:weather"
ODD_SCHEMAS: tuple[dict[str, Any], ...] = (
    {"type": "object", "properties": {"a": {}}, "required": None},
    {"type": "object", "properties": {"a": {}}, "required": True},
    {"type": "object", "properties": {"a": {}}, "required": [["a"]]},
    {"type": "object", "properties": None, "additionalProperties": False},
    {"type": "object", "$defs": [1]},
)


def call_of(request: ChatRequest, adapter: str, url: str = "", model: str = "m") -> ProviderCall:
    connection = Connection(adapter, url, model, SECRET)
    return ProviderCall(request, connection, None, Timeouts(total=5.0), "req_1")


def asked(**body: Any) -> ChatRequest:
    return openai_chat.parse({"model": "auto", "messages": HELLO, **body})


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
async def test_ao6__name_that_anthropic_does_not_take__comes_back_as_the_callers(
    is_streamed: bool,
) -> None:
    declared = {"name": NAMED, "parameters": {"type": "object", "properties": {}}}
    chat = gemini_request.parse(
        {"contents": "hi", "tools": [{"functionDeclarations": [declared]}]}, model="models/auto"
    )
    with running_wire_server(secret=SECRET) as server:
        call = call_of(chat, "anthropic", server.url_of("anthropic"), "claude-sonnet-4-5")
        (sent,) = build_anthropic(call).names
        server.script = Script(text="", calls=(scripts.ToolCall(sent, {}),))
        adapter = adapter_for("anthropic")
        if is_streamed:
            deltas = [event.tool_call async for event in adapter.stream(call) if event.tool_call]
            named = [delta.name for delta in deltas if delta.name]
        else:
            parts = (await adapter.complete(call)).parts
            named = [part.name for part in parts if isinstance(part, ToolCall)]
        assert server.received[0].body["tools"][0]["name"] == sent
    assert named == [NAMED]


@pytest.mark.parametrize("schema", ODD_SCHEMAS)
def test_schema__that_is_none__is_sent_without_a_promise(schema: dict[str, Any]) -> None:
    body = {
        "contents": "hi",
        "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema},
    }
    chat = gemini_request.parse(body, model="models/auto")
    sent = build_openai(call_of(chat, "openai"), is_streamed=False).body
    assert sent["response_format"]["json_schema"]["schema"] == schema
    assert not sent["response_format"]["json_schema"].get("strict")


@pytest.mark.parametrize(("length", "kept"), [(128, True), (129, False), (400, False)])
def test_user__longer_than_openai_takes__is_the_same_digest_each_time(
    length: int, kept: bool
) -> None:
    chat = ChatRequest("m", (Message("user", "hi"),), "router", user="u" * length)
    sent = [build_openai(call_of(chat, "openai"), is_streamed=False).body for _ in range(2)]
    users = {body["safety_identifier"] for body in sent}
    assert len(users) == 1
    assert (users == {chat.user}) is kept
    assert max(map(len, users)) <= 128


@pytest.mark.parametrize(
    ("param", "kind"),
    [("safety_identifier", "rejected"), ("messages[0].content", "context_length")],
)
def test_too_long__means_a_larger_window_only_for_the_prompt(param: str, kind: str) -> None:
    body = b'{"error": {"message": "x", "code": "string_above_max_length", "param": "%s"}}'
    told = error_from_answer(400, body % param.encode(), headers={}, secret="")
    assert (told.kind, told.param) == (kind, param)


@pytest.mark.parametrize("adapter", ["openai", "anthropic", "google"])
async def test_usage__that_no_provider_counted__counts_tools_too(adapter: str) -> None:
    tools = [
        {"type": "function", "function": {"name": f"tool_{n}", "description": "word " * 50}}
        for n in range(20)
    ]
    chat = asked(tools=tools)
    with running_wire_server(script=Script(usage="missing")) as server:
        call = call_of(chat, adapter, server.url_of(adapter), "gemini-3-flash")
        usage = (await adapter_for(adapter).complete(call)).usage
    assert usage.is_estimated
    assert usage.input_tokens == estimate_body("gemini-3-flash", chat.raw) > 1_000


@pytest.mark.parametrize("place", [{}, [1], "0", None])
def test_index__of_a_call_that_is_none__is_a_call_of_its_own(place: Any) -> None:
    pieces = CallPieces(ToolNames())
    piece = {"index": place, "id": "c1", "function": {"name": "clock", "arguments": "{}"}}
    assert pieces.read([piece])[0].index == 0


@pytest.mark.parametrize("adapter", ["openai", "anthropic", "google"])
@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[1]", b"null", b'{"data": 5, "models": 5}', b'{"data": [1], "models": [1]}'],
)
async def test_list_of_models__that_is_none__is_told(adapter: str, body: bytes) -> None:
    server = await asyncio.start_server(lambda r, w: _answer(r, w, body), "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        connection = Connection(adapter, url, "", SECRET)
        # Nothing but an error of ours, or nothing at all.
        with suppress(AttemptError):
            assert await list_models(connection) == []


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
    await reader.readuntil(b"\r\n\r\n")
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    writer.write(head.encode() + b"\r\nconnection: close\r\n\r\n" + body)
    await writer.drain()
    writer.close()
