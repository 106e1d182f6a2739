"""Answers of OpenAI's wire in neutral form, over real sockets; raw bodies pass as they came.

AO4, AO6, AO12 to AO15 as far as the provider's side goes, and OO1, OO5, OO6, OO10.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import openai
import orjson
import pytest

from apps.core.chat import ChatResponse, Text, Thinking, Tool, ToolCall
from apps.gateway.wire.openai_chat.stream import ChatChunks
from apps.gateway.wire.rendering import AnswerHead
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.openai.adapter import OpenAIAdapter
from apps.providers.wire_servers.scripts import (
    SCRIPTS,
    TEXT,
    THOUGHT,
    WEATHER,
    WEATHER_ABROAD,
    Script,
    Tokens,
)
from apps.providers.wire_servers.scripts import ToolCall as ScriptedCall
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.providers import openai_servers as servers
from tests.providers.openai_calls import SECRET, passed, said
from tests.providers.openai_servers import answer, events_of

MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
LONG = "mcp__a-server-with-a-long-name__" + "x" * 60
THOUGHT_PART = Thinking(THOUGHT, origin="openai")


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server(secret=SECRET) as server:
        yield server


def call_to(server: WireServer, **fields: Any) -> ProviderCall:
    return servers.call_to(server, "", **fields)


def calls_in(found: ChatResponse) -> list[tuple[str, str]]:
    return [(part.name, part.arguments) for part in found.parts if isinstance(part, ToolCall)]


TWO_CALLS = [("get_weather", WEATHER.text), ("get_weather", WEATHER_ABROAD.text)]


@MODES
@pytest.mark.parametrize("script", ["parallel_tools", "whole_calls"])
async def test_ao13__parallel_calls__are_calls_of_their_own(
    server: WireServer, script: str, is_streamed: bool
) -> None:
    server.plan(script)
    found = await answer(call_to(server), is_streamed=is_streamed)
    assert (found.text, found.finish_reason) == ("", "tool_calls")
    assert calls_in(found) == TWO_CALLS
    ids = {part.id for part in found.parts if isinstance(part, ToolCall)}
    assert len(ids) == 2


@MODES
async def test_ao13__text_and_a_call__are_both_there(server: WireServer, is_streamed: bool) -> None:
    server.plan("text_and_tools")
    found = await answer(call_to(server), is_streamed=is_streamed)
    assert (found.text, found.parts[0]) == (TEXT, Text(TEXT))
    assert calls_in(found) == [("get_weather", WEATHER.text)]


@MODES
async def test_ao12__call_without_arguments__has_an_empty_object(
    server: WireServer, is_streamed: bool
) -> None:
    server.plan("tools_without_arguments")
    assert calls_in(await answer(call_to(server), is_streamed=is_streamed)) == [("get_time", "{}")]


async def test_ao12__first_piece_of_a_call__has_all_but_its_arguments(server: WireServer) -> None:
    server.plan("tools")
    first, *others = [
        event.tool_call for event in await events_of(call_to(server)) if event.tool_call
    ]
    assert (first.index, first.name, first.arguments) == (0, "get_weather", "")
    assert first.id
    assert {(piece.index, piece.id, piece.name) for piece in others} == {(0, "", "")}


@MODES
async def test_ao4__thought__comes_apart_from_the_text(
    server: WireServer, is_streamed: bool
) -> None:
    server.plan("thinking")
    found = await answer(call_to(server), is_streamed=is_streamed)
    assert found.text == TEXT
    assert found.parts == (THOUGHT_PART, Text(TEXT))


@MODES
async def test_ao4__thought_before_calls__is_whole_before_them(
    server: WireServer, is_streamed: bool
) -> None:
    server.plan("thinking_tools")
    found = await answer(call_to(server), is_streamed=is_streamed)
    assert found.parts[0] == THOUGHT_PART
    assert calls_in(found) == TWO_CALLS


async def test_text_alone__has_no_parts(server: WireServer) -> None:
    assert (await OpenAIAdapter().complete(call_to(server))).parts == ()


@MODES
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("text", "stop"),
        ("length", "length"),
        ("filtered", "content_filter"),
        ("tools", "tool_calls"),
        ("unknown_reason", "stop"),
    ],
)
async def test_ao14__reason__is_one_of_the_neutral_ones(
    server: WireServer, script: str, reason: str, is_streamed: bool
) -> None:
    server.plan(script)
    assert (await answer(call_to(server), is_streamed=is_streamed)).finish_reason == reason


@MODES
async def test_oo10__stop_after_calls__is_tool_calls_in_the_raw_answer_too(
    server: WireServer, is_streamed: bool
) -> None:
    server.plan("calls_with_stop", "calls_with_stop")
    call = passed({}, url=server.url_of("openai"))
    assert (await answer(call, is_streamed=is_streamed)).finish_reason == "tool_calls"
    if is_streamed:
        raws = [event.raw for event in await events_of(call) if event.raw]
        (reason,) = filter(None, (_reason(raw) for raw in raws))
    else:
        reason = _reason((await OpenAIAdapter().complete(call)).raw)
    assert reason == "tool_calls"


def _reason(raw: Any) -> Any:
    return raw["choices"][0]["finish_reason"] if raw["choices"] else None


@MODES
async def test_ao6__long_name__comes_back_as_the_caller_wrote_it(
    server: WireServer, is_streamed: bool
) -> None:
    call = call_to(server, tools=(Tool(LONG),))
    await answer(call, is_streamed=False)
    short = server.received[0].body["tools"][0]["function"]["name"]
    server.plan(Script(text="", calls=(ScriptedCall(short, {}),)))
    assert calls_in(await answer(call, is_streamed=is_streamed)) == [(LONG, "{}")]


@MODES
@pytest.mark.parametrize("script", ["text", "usage_twice"])
async def test_oo6__usage__is_counted_once(
    server: WireServer, script: str, is_streamed: bool
) -> None:
    server.plan(script)
    usage = (await answer(call_to(server), is_streamed=is_streamed)).usage
    tokens = Tokens()
    assert (usage.input_tokens, usage.output_tokens) == (tokens.input, tokens.output)
    assert usage.cached_input_tokens == tokens.cached
    assert not usage.is_estimated


@MODES
@pytest.mark.parametrize("script", ["text", "thinking", "tools"])
async def test_oo5__no_usage__is_estimated_with_all_that_was_said(
    server: WireServer, script: str, is_streamed: bool
) -> None:
    server.plan(replace(SCRIPTS[script], usage="missing"))
    usage = (await answer(call_to(server), is_streamed=is_streamed)).usage
    assert usage.is_estimated
    assert usage.output_tokens > 5


async def test_oo5__stream__always_asks_for_usage(server: WireServer) -> None:
    await events_of(call_to(server))
    assert server.received[0].body["stream_options"] == {"include_usage": True}


PLAIN = ("text", "tools", "thinking_tools", "parallel_tools", "whole_calls", "text_and_tools")


@pytest.mark.parametrize("script", PLAIN)
async def test_oo1__chunks_of_the_same_dialect__pass_once_and_unchanged(
    server: WireServer, script: str
) -> None:
    url = server.url_of("openai")
    server.plan(script)
    events = await events_of(passed({}, url=url))
    found = [event.raw for event in events if event.raw]
    server.plan(script)
    direct = await _chunks(url)
    assert [_without_number(raw) for raw in found] == [_without_number(raw) for raw in direct]
    assert {event.raw_dialect for event in events if event.raw is not None} == {"openai.chat"}
    assert not [event for event in events if event.raw is None]


@pytest.mark.parametrize("script", PLAIN)
async def test_oo1__door_of_the_same_dialect__says_each_chunk_once(
    server: WireServer, script: str
) -> None:
    server.plan(script)
    events = await events_of(passed({}, url=server.url_of("openai")))
    chunks = ChatChunks(AnswerHead("t", "m", "m", 0), includes_usage=False)
    shown = [chunk["choices"] for event in events for chunk in chunks.chunks(event)]
    raws = [event.raw["choices"] for event in events if event.raw and event.raw["choices"]]
    assert shown == raws


@pytest.mark.parametrize("script", PLAIN)
async def test_oo1__whole_answer_of_the_same_dialect__is_kept_as_it_is(
    server: WireServer, script: str
) -> None:
    server.plan(script)
    answered = await OpenAIAdapter().complete(passed({}, url=server.url_of("openai")))
    assert answered.raw["service_tier"] == "default"
    message = answered.raw["choices"][0]["message"]
    assert message["content"] == (SCRIPTS[script].text or None)
    assert "index" not in str(message)


async def _chunks(url: str) -> list[dict[str, Any]]:
    """Return the chunks as the server writes them, read by nothing of ours."""
    async with openai.AsyncOpenAI(base_url=url, api_key=SECRET, max_retries=0) as client:
        stream = await client.chat.completions.create(
            model="gpt-4.1-mini",
            messages=[{"role": "user", "content": "Hello"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        return [chunk.model_dump(exclude_unset=True) async for chunk in stream]


def _without_number(raw: Any) -> Any:
    """Return a chunk without what counts the requests of the server."""
    found = {name: value for name, value in raw.items() if name not in ("id", "created")}
    for choice in found["choices"]:
        for piece in choice["delta"].get("tool_calls") or ():
            piece.pop("id", None)
    return found


async def test_oo1__body_of_the_same_dialect__is_sent_as_it_came(server: WireServer) -> None:
    body = {
        "messages": [said("user", [{"type": "text", "text": "Olá 🌍"}])],
        "temperature": 0.3,
        "min_p": 0.1,
        "chat_template_kwargs": {"thinking": True},
    }
    server.plan("compatible")
    await OpenAIAdapter().complete(passed(body, url=server.url_of("openai")))
    found = server.received[0].body
    assert found == {"model": "gpt-4.1-mini", **body}


async def test_logprobs__come_in_their_neutral_form(server: WireServer) -> None:
    logprobs = {"content": [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105]}], "refusal": None}
    choice = {"index": 0, "message": said("assistant", "Hi"), "logprobs": logprobs}
    body = orjson.dumps({"choices": [choice | {"finish_reason": "stop"}]})
    server.plan(Script(body=body))
    found = await OpenAIAdapter().complete(call_to(server, top_logprobs=1))
    assert found.logprobs == logprobs
    assert server.received[0].body["top_logprobs"] == 1


@MODES
async def test_dropped__is_told_with_the_answer(server: WireServer, is_streamed: bool) -> None:
    found = await answer(call_to(server, top_k=3), is_streamed=is_streamed)
    assert found.dropped == ("top_k",)


async def test_refusal_of_the_model__is_its_text(server: WireServer) -> None:
    message = said("assistant", None, refusal="I will not.")
    body = orjson.dumps({"choices": [{"message": message, "finish_reason": "stop"}]})
    server.plan(Script(body=body))
    assert (await OpenAIAdapter().complete(call_to(server))).text == "I will not."


@pytest.mark.parametrize(
    ("script", "kinds"),
    [
        ("cut", {"cut"}),
        ("stops_early", {"cut"}),
        ("malformed", {"cut"}),
        ("error_event", {"cut"}),
        ("error_first", {"unavailable"}),
    ],
)
async def test_stream__that_breaks_off_among_calls__is_never_a_clean_end(
    server: WireServer, script: str, kinds: set[str]
) -> None:
    server.plan(replace(SCRIPTS[script], text="", calls=(WEATHER, WEATHER_ABROAD)))
    with pytest.raises(AttemptError) as told:
        await events_of(call_to(server))
    assert told.value.kind in kinds
