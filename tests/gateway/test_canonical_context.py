"""Conversations of any provider, continued at any other: whole turns in, whole turns kept."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any, override

import pytest
import redis

from apps.api_keys.services import CreatedKey
from apps.api_keys.types import Caller
from apps.conversations import context_manager
from apps.core.chat import (
    ChatRequest,
    ChatResponse,
    Image,
    StreamEvent,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    ToolResult,
    Turn,
)
from apps.core.database import in_database
from apps.core.errors import InvalidRequest
from apps.core.scoping import all_tenants
from apps.gateway import dispatch, pipeline, streaming
from apps.gateway.assembly import events_of
from apps.gateway.types import Ask, Run
from apps.gateway.wire.openai_chat import request as openai_chat
from apps.providers.adapters.anthropic.requests import build_request
from apps.providers.adapters.base import Connection, ProviderAdapter, ProviderCall
from apps.providers.models import LlmModel
from apps.routing.engine.types import Attempt
from tests.factories.keys import caller_of_key
from tests.factories.routing import Site, make_live_prompt, make_rule, publish

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("event_loop_clients"),
]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
LOOK = {"role": "user", "content": [{"type": "text", "text": "Where is this?"}, PICTURE]}
RESULT = {"role": "tool", "tool_call_id": "t1", "content": "sunny"}
SIGNED = Thinking("Look it up.", "sig-1", origin="anthropic")
CALLED = (SIGNED, Text("Let me see."), ToolCall("t1", "weather", "{}", "sig-2", "google"))


class Saying(ProviderAdapter):
    """Says one answer after the other, whole or in events."""

    def __init__(self, *answers: tuple[Any, ...]) -> None:
        self.calls: list[ProviderCall] = []
        self._answers = iter(answers)

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        self.calls.append(call)
        parts = next(self._answers)
        text = "".join(part.text for part in parts if isinstance(part, Text))
        reason: Any = "tool_calls" if isinstance(parts[-1], ToolCall) else "stop"
        is_plain = all(isinstance(part, Text) for part in parts)
        return ChatResponse(text, reason, TokenUsage(9, 4), parts=() if is_plain else parts)

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        answer = await self.complete(call)
        for event in events_of(answer.parts or (Text(answer.text),)):
            yield event
        yield StreamEvent(finish_reason=answer.finish_reason, usage=answer.usage)

    def before(self, place: int = -1) -> tuple[Turn, ...]:
        return self.calls[place].request.before


@pytest.fixture
def caller(site: Site, key: CreatedKey) -> Caller:
    with all_tenants("tests"):
        model = LlmModel.objects.get(name="sim-small")
        model.capabilities = {**dict.fromkeys(model.capabilities, "yes"), "embeddings": "no"}
        model.save()
    publish(None)
    return caller_of_key(key.row)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Saying]:
    def make(*answers: tuple[Any, ...]) -> Saying:
        provider = Saying(*answers)
        monkeypatch.setattr(dispatch, "adapter_for", lambda _name: provider)
        return provider

    return make


def chat(*messages: Any, **body: Any) -> ChatRequest:
    return openai_chat.parse(
        {"model": "sim-small", "messages": list(messages), "tools": TOOLS, **body}
    )


async def say(caller: Caller, request: ChatRequest, conversation: str = "new", **ask: Any) -> str:
    """Say it in a conversation, whole or streamed; returns the conversation's id."""
    asked = Ask(caller, request, "openai.chat", conversation_id=conversation, **ask)
    if not request.stream:
        run = (await pipeline.complete(asked)).run
    else:
        stream = await streaming.stream(asked)
        async for _ in stream:
            pass
        run = stream.run
    assert run.context is not None
    return run.context.id


@pytest.mark.parametrize("is_stream", [False, True])
async def test_x4__tool_loop_in_a_conversation__is_kept_and_sent_on_in_full(
    is_stream: bool,
    caller: Caller,
    says: Callable[..., Saying],
    redis_client: redis.Redis,
) -> None:
    provider = says(CALLED, (Text("It is sunny."),), (Text("Rome."),))
    thread = await say(caller, chat(LOOK, stream=is_stream))
    await say(caller, chat(RESULT, stream=is_stream), thread)
    redis_client.flushdb()
    await say(caller, chat({"role": "user", "content": "Where?"}, stream=is_stream), thread)
    # The simulated wire takes no signed thoughts, so what goes to it has none.
    asked = Turn("user", (Text("Where is this?"), Image(data="aGk=", media_type="image/png")))
    result = Turn("tool", (ToolResult("t1", (Text("sunny"),)),))
    history = (asked, Turn("assistant", CALLED[1:]), result)
    assert provider.before(1) == history[:2]
    assert provider.before(2) == (*history, Turn("assistant", (Text("It is sunny."),)))
    kept = await context_manager.load(caller, thread)
    assert kept.history[:3] == (asked, Turn("assistant", CALLED), result)
    assert [stored.tokens for stored in kept.turns][1::2] == [4, 4, 4]


async def test_x4__request_that_cannot_be_kept_in_full__is_refused_before_the_call(
    caller: Caller, says: Callable[..., Saying]
) -> None:
    provider = says()
    odd = {"role": "user", "content": [{"type": "video", "of": "another vendor"}]}
    with pytest.raises(InvalidRequest) as refused:
        await say(caller, chat(odd))
    assert refused.value.param == "messages[0].content[0].type"
    assert provider.calls == []


@pytest.mark.parametrize(
    ("adapter", "kept"),
    [
        ("anthropic", CALLED),
        ("google", CALLED[1:]),
        ("openai", CALLED[1:]),
        ("simulated", CALLED[1:]),
    ],
)
async def test_x1__thoughts_in_a_history__go_only_to_who_can_read_them(
    adapter: str,
    kept: tuple[Any, ...],
    caller: Caller,
    says: Callable[..., Saying],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider = says(CALLED, (Text("It is sunny."),))
    thread = await say(caller, chat(LOOK))
    serve_by(adapter, monkeypatch)
    await say(caller, chat(RESULT), thread)
    assert provider.before()[1] == Turn("assistant", kept)
    assert len(provider.calls[-1].request.messages) == 3


def serve_by(adapter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve every model by another wire from now on."""
    from_snapshot = dispatch._connection

    def connection(run: Run, attempt: Attempt) -> Connection:
        return replace(from_snapshot(run, attempt), adapter=adapter)

    monkeypatch.setattr(dispatch, "_connection", connection)


async def test_x1__history_with_a_foreign_thought__loses_nothing_of_the_callers(
    caller: Caller, says: Callable[..., Saying], monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = Thinking("Hm.", "sig-3", origin="google")
    provider = says((foreign,), (foreign, Text("Hi")), (Text("x"),))
    thread = await say(caller, chat(LOOK))
    await say(caller, chat(LOOK), thread)
    serve_by("anthropic", monkeypatch)
    await say(caller, chat({"role": "user", "content": "And?"}), thread)
    call = provider.calls[-1]
    # The turn that was nothing but a thought is gone, from both forms.
    assert [turn.role for turn in call.request.before] == ["user", "user", "assistant"]
    assert [message.text for message in call.request.messages][-2:] == ["Hi", "And?"]
    assert build_request(call).dropped == []


async def test_x5__template_and_history__begin_every_call_alike(
    site: Site, caller: Caller, says: Callable[..., Saying]
) -> None:
    await in_database(_publish_template, site)
    provider = says(*((Text(f"Answer {number}."),) for number in range(3)))
    thread = "new"
    for number in range(3):
        question = chat({"role": "user", "content": f"Question {number}"})
        thread = await say(caller, question, thread, prompt_template="tone")
    texts = [[message.text for message in call.request.messages] for call in provider.calls]
    assert texts[0] == ["Rule first.", "Be brief.", "Question 0"]
    # What a provider has cached of a prompt is never split: each call goes on where one ended.
    for earlier, later in pairwise(texts):
        assert later[: len(earlier)] == earlier
    system = build_request(provider.calls[-1]).body["system"]
    assert system == "Rule first.\n\nBe brief."


def _publish_template(site: Site) -> None:
    make_live_prompt(site.tenant, "tone", "Be brief.")
    first = make_live_prompt(site.tenant, "first", "Rule first.")
    make_rule(site.tenant, prompt_template=first)
    publish(site.tenant)
