"""Signed thoughts of tool loops: kept for clients that drop them, given back to who signed them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis

from apps.api_keys.types import Caller
from apps.core.chat import ChatRequest, ChatResponse, Text, Thinking, TokenUsage, ToolCall, Turn
from apps.gateway import dispatch, pipeline, thought_store
from apps.gateway.streaming import AnswerStream
from apps.gateway.thought_store import keep, put_back, recall
from apps.gateway.types import Run
from apps.gateway.wire.openai_chat.answers import render
from apps.gateway.wire.rendering import AnswerHead
from apps.providers.adapters.base import Connection
from apps.providers.wire_servers.scripts import THOUGHT, signature_of
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.factories.keys import make_caller
from tests.factories.process import redis_gone
from tests.gateway.runs import make_run
from tests.gateway.scripted import Scripted, collect
from tests.gateway.wire_runs import asked, run_on

CALLER = make_caller()
QUESTION = {"role": "user", "content": "Is it sunny?"}
HEAD = AnswerHead("x", "m", "auto", 0)
SIGNED = Thinking("Hm.", "sig-1", origin="anthropic")
HIDDEN = Thinking(redacted="b3Bh", origin="anthropic")
CALL = ToolCall("t1", "weather", '{"city": "Rome"}')
GOOGLE_CALL = replace(CALL, signature="sig-2", origin="google")

pytestmark = pytest.mark.usefixtures("event_loop_clients", "redis_client")


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server() as server:
        yield server


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> list[ChatResponse]:
    """The answers that came to their end; nothing is booked."""
    found: list[ChatResponse] = []

    async def settle(*_run: Any, response: ChatResponse, **_rest: Any) -> None:
        found.append(response)

    monkeypatch.setattr(pipeline, "settle", settle)
    return found


async def ask(run: Run, *, is_stream: bool = False) -> None:
    """Let a run be answered, with all that is done after it."""
    if is_stream:
        await collect(AnswerStream(run, await dispatch.open_stream(run), None))
        return
    response = await dispatch.complete(run)
    await pipeline.settle(run, "ok", response=response)
    await pipeline.remember(run, response)


def as_plain_clients_send_it(response: ChatResponse) -> list[Any]:
    """Return the turn without what the official client's types do not have, and the results."""
    message = render(response, HEAD)["choices"][0]["message"]
    turn = {name: message[name] for name in ("role", "content", "tool_calls")}
    answered = [
        {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
        for call in message["tool_calls"]
    ]
    return [turn, *answered]


@pytest.mark.parametrize("is_stream", [False, True])
async def test_oa23__thoughts_that_a_plain_client_dropped__are_put_back_before_the_calls(
    is_stream: bool, server: WireServer, settled: list[ChatResponse]
) -> None:
    thinks: dict[str, Any] = {"reasoning_effort": "high", "stream": is_stream}
    first = run_on(server, "anthropic", asked(QUESTION, **thinks), script="thinking_tools")
    await ask(first, is_stream=is_stream)
    history = [QUESTION, *as_plain_clients_send_it(settled[-1])]
    following = run_on(server, "anthropic", asked(*history, **thinks), caller=first.ask.caller)
    await ask(following, is_stream=is_stream)
    assert settled[-1].finish_reason == "stop"
    assert following.dropped == ()
    sent = server.received[-1].body
    assert sent["thinking"]["type"] == "enabled"
    _question, called, _results = sent["messages"]
    kinds = [block["type"] for block in called["content"]]
    assert kinds == ["thinking", "tool_use", "tool_use"]
    assert called["content"][0] == {
        "type": "thinking",
        "thinking": THOUGHT,
        "signature": signature_of(THOUGHT),
    }


async def test_oa23__thoughts_that_nobody_kept__switch_thinking_off_and_say_so(
    server: WireServer, settled: list[ChatResponse], redis_client: redis.Redis
) -> None:
    first = run_on(
        server, "anthropic", asked(QUESTION, reasoning_effort="high"), script="thinking_tools"
    )
    await ask(first)
    redis_client.flushdb()
    history = [QUESTION, *as_plain_clients_send_it(settled[-1])]
    following = run_on(server, "anthropic", asked(*history, reasoning_effort="high"))
    await ask(following)
    assert settled[-1].finish_reason == "stop"
    assert "thinking" not in server.received[-1].body
    assert following.dropped == ("reasoning_effort",)


def answer_with(*parts: Any) -> ChatResponse:
    return ChatResponse("", "tool_calls", TokenUsage(1, 1), parts=parts)


def called(*parts: Any) -> Turn:
    return Turn("assistant", parts)


async def back(turn: Turn, origin: str, *, caller: Caller = CALLER) -> Turn:
    """Return a later request's turn as a provider of this origin is told it."""
    turns = (Turn("user", (Text("x"),)), turn)
    *_, found = put_back(turns, await recall(caller, turns), origin)
    return found


async def test_og10__signatures_of_calls__go_back_to_who_signed_and_to_nobody_else() -> None:
    other = ToolCall("t2", "clock", "{}")
    await keep(CALLER, answer_with(Text("Let me see."), GOOGLE_CALL, other))
    plain = called(Text("Let me see."), CALL, other)
    assert await back(plain, "google") == called(Text("Let me see."), GOOGLE_CALL, other)
    assert await back(plain, "anthropic") == plain


async def test_ag1__signature_without_a_thought__is_kept_with_the_call() -> None:
    bare = Thinking("", "sig-1", origin="anthropic")
    await keep(CALLER, answer_with(bare, HIDDEN, CALL))
    assert await back(called(CALL), "anthropic") == called(bare, HIDDEN, CALL)


async def test_thought__that_came_back_unsigned__is_there_once() -> None:
    await keep(CALLER, answer_with(SIGNED, CALL))
    assert await back(called(Thinking("Hm."), CALL), "anthropic") == called(SIGNED, CALL)
    assert await back(called(Thinking("Hm."), CALL), "google") == called(Thinking("Hm."), CALL)


async def test_arguments__that_were_written_anew__are_the_same_call() -> None:
    await keep(CALLER, answer_with(SIGNED, replace(CALL, arguments='{"a":1,"b":"é"}')))
    spaced = replace(CALL, arguments='{ "b": "\\u00e9", "a": 1 }')
    assert await back(called(spaced), "anthropic") == called(SIGNED, spaced)


async def test_call_id__that_a_provider_uses_again__is_told_apart() -> None:
    await keep(CALLER, answer_with(SIGNED, CALL))
    later = Thinking("Again.", "sig-9", origin="anthropic")
    elsewhere = replace(CALL, arguments='{"city": "Oslo"}')
    await keep(CALLER, answer_with(later, elsewhere))
    turns = (called(CALL), called(elsewhere))
    found = put_back(turns, await recall(CALLER, turns), "anthropic")
    assert found == (called(SIGNED, CALL), called(later, elsewhere))


@pytest.mark.parametrize(
    "stranger", [make_caller(), replace(CALLER, project_id=make_caller().project_id)]
)
async def test_thoughts__of_another_tenant_or_project__are_not_found(stranger: Caller) -> None:
    await keep(CALLER, answer_with(SIGNED, CALL))
    assert await back(called(CALL), "anthropic", caller=stranger) == called(CALL)


async def test_thoughts__in_redis__are_sealed_under_the_tenant_and_gone_after_a_day(
    redis_client: redis.Redis,
) -> None:
    await keep(CALLER, answer_with(SIGNED, CALL))
    keys: Any = redis_client.keys("*:thoughts:*")
    (key,) = keys
    assert key.startswith(f"{CALLER.tenant_id}:thoughts:".encode())
    assert b"t1" not in key
    kept = redis_client.get(key)
    assert isinstance(kept, bytes)
    assert b"Hm." not in kept
    assert 86_000 < redis_client.ttl(key) <= 86_400
    for forged in (b"x", kept[:-8] + b"AAAAAAAA", b"\xff\xfe"):
        redis_client.set(key, forged)
        assert await back(called(CALL), "anthropic") == called(CALL)


async def test_redis_away__is_a_miss_and_never_an_error(settings: object) -> None:
    await keep(CALLER, answer_with(SIGNED, CALL))
    with redis_gone(settings):
        await keep(CALLER, answer_with(SIGNED, CALL))
        assert await back(called(CALL), "anthropic") == called(CALL)


@pytest.mark.parametrize(
    "response",
    [
        answer_with(Text("Hi")),
        answer_with(SIGNED, Text("Hi")),
        answer_with(CALL),
        answer_with(Thinking("Hm."), CALL),
        answer_with(Thinking("Hm." * 200_000, "sig", origin="anthropic"), CALL),
        ChatResponse("Hi", "stop", TokenUsage(1, 1)),
    ],
)
async def test_answer__that_needs_no_memory_or_too_much__is_not_kept(
    response: ChatResponse, redis_client: redis.Redis
) -> None:
    await keep(CALLER, response)
    assert redis_client.keys("*:thoughts:*") == []


async def test_long_loop__asks_once_and_for_the_newest_answers_only(
    monkeypatch: pytest.MonkeyPatch, redis_client: redis.Redis
) -> None:
    monkeypatch.setattr(thought_store, "MOST_ANSWERS", 2)
    calls = [replace(CALL, id=f"t{number}") for number in range(4)]
    for call in calls:
        await keep(CALLER, answer_with(SIGNED, call))
    turns = [called(call) for call in calls]
    before = trips(redis_client)
    found = await recall(CALLER, turns)
    assert sorted(found) == [2, 3]
    assert trips(redis_client) - before == 1


def trips(redis_client: redis.Redis) -> int:
    """Return how many commands of this store Redis has served."""
    stats: Any = redis_client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("mget", "set"))


def chat_with_history(dialect: Any = "openai.chat", **body: Any) -> ChatRequest:
    function = {"name": CALL.name, "arguments": CALL.arguments}
    calls = [{"id": CALL.id, "type": "function", "function": function}]
    history = [
        QUESTION,
        {"role": "assistant", "content": None, "tool_calls": calls, **body},
        {"role": "tool", "tool_call_id": CALL.id, "content": "x"},
    ]
    return replace(asked(*history), dialect=dialect)


BLOCK = {"type": "thinking", "thinking": "Hm.", "signature": "s", "origin": "anthropic"}
NO_TOOLS = replace(asked(QUESTION), needs=frozenset[str]())


@pytest.mark.parametrize(
    ("adapter", "chat", "expected"),
    [
        ("anthropic", chat_with_history(), 1),
        ("google", chat_with_history(), 1),
        # Nothing was called yet, or no tools are there at all.
        ("anthropic", asked(QUESTION), 0),
        ("anthropic", NO_TOOLS, 0),
        # The client kept what was signed.
        ("anthropic", chat_with_history(thinking_blocks=[BLOCK]), 0),
        # Its own dialect passes as it is, and so does a wire that signs nothing.
        ("anthropic", chat_with_history("anthropic"), 0),
        ("google", chat_with_history("gemini"), 0),
        ("openai", chat_with_history(), 0),
    ],
)
async def test_trip__is_made_where_something_may_be_missing_and_only_there(
    adapter: str,
    chat: ChatRequest,
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
    redis_client: redis.Redis,
) -> None:
    run = make_run("one", caller=CALLER)
    run.ask = replace(run.ask, chat=chat)
    run.pinned = replace(run.pinned, connections={"one": Connection(adapter, "", "m")})
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: Scripted([]))
    before = trips(redis_client)
    await dispatch.complete(run)
    assert trips(redis_client) - before == expected


async def test_further_attempt__of_one_request__reads_and_asks_no_second_time(
    monkeypatch: pytest.MonkeyPatch, redis_client: redis.Redis
) -> None:
    await keep(CALLER, answer_with(SIGNED, GOOGLE_CALL))
    run = make_run("one", caller=CALLER)
    run.ask = replace(run.ask, chat=chat_with_history())
    provider = Scripted([])
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: provider)
    before = trips(redis_client)
    for adapter in ("anthropic", "google"):
        run.pinned = replace(run.pinned, connections={"one": Connection(adapter, "", "m")})
        await dispatch.complete(run)
    assert trips(redis_client) - before == 1
    to_anthropic, to_google = (call.request.details().turns[1].parts for call in provider.calls)
    assert to_anthropic == (SIGNED, CALL)
    assert to_google == (GOOGLE_CALL,)
