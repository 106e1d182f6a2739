"""Answers out of the cache, as clients see them: whole or streamed, each with an id of its own."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, override

import pytest

from apps.api_keys.services import CreatedKey
from apps.core.chat import (
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
from apps.gateway import dispatch
from apps.gateway.assembly import events_of
from apps.gateway.cache import answer_key, is_cacheable, open_answer, seal_answer
from apps.providers.adapters.base import AttemptError, ProviderAdapter, ProviderCall
from tests.factories.keys import make_caller
from tests.factories.routing import Site, make_rule, publish
from tests.gateway.asgi_client import Answer, post
from tests.gateway.runs import make_run

CALLER = make_caller()
CHAT = "/v1/chat/completions"
USAGE = TokenUsage(21, 9, cached_input_tokens=5, reasoning_tokens=4)
THOUGHTS = (
    Thinking("Hm.", "sig-1", origin="anthropic"),
    Thinking(redacted="b3Bh", origin="anthropic"),
)
WHOLE = ChatResponse(
    "Good morning!", "stop", USAGE, parts=(*THOUGHTS, Text("Good "), Text("morning!"))
)


class Saying(ProviderAdapter):
    """Says one answer again and again, whole or in events."""

    def __init__(self, answer: ChatResponse) -> None:
        self.asked = 0
        self.answer = answer

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        self.asked += 1
        return self.answer

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        self.asked += 1
        first, *rest = events_of(self.answer.parts or (Text(self.answer.text),))
        yield replace(first, dropped=self.answer.dropped)
        for event in rest:
            yield event
        yield StreamEvent(finish_reason=self.answer.finish_reason, usage=self.answer.usage)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Saying:
    provider = Saying(WHOLE)
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: provider)
    return provider


async def ask(key: CreatedKey, *, is_stream: bool, **more: Any) -> Answer:
    body: dict[str, Any] = {
        "model": "sim-small",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": is_stream,
        **({"stream_options": {"include_usage": True}} if is_stream else {}),
        **more,
    }
    return await post(CHAT, body, key.clear)


async def cache_answers(site: Site) -> None:
    await in_database(make_rule, site.tenant, cache_seconds=60)
    await in_database(publish, site.tenant)


def seen(answer: Answer, *, is_stream: bool) -> tuple[str, dict[str, Any], Any, str]:
    """Return id, message, usage and reason of an answer."""
    if not is_stream:
        body = answer.json()
        (choice,) = body["choices"]
        return body["id"], choice["message"], body["usage"], choice["finish_reason"]
    events = answer.events()
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    reasons = [choice["finish_reason"] for event in events for choice in event["choices"]]
    message = {
        "content": "".join(delta.get("content", "") for delta in deltas),
        "reasoning_content": "".join(delta.get("reasoning_content", "") for delta in deltas),
        "thinking_blocks": [
            {name: value for name, value in block.items() if name != "index"}
            for delta in deltas
            for block in delta.get("thinking_blocks", ())
        ],
    }
    assert reasons[:-1] == [None] * (len(reasons) - 1)
    assert answer.body.endswith(b"data: [DONE]\n\n")
    (name,) = {event["id"] for event in events}
    return name, message, events[-1]["usage"], reasons[-1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", [False, True])
async def test_e7__cached_answer__is_the_same_whole_or_streamed_with_an_id_of_its_own(
    first: bool, site: Site, key: CreatedKey, says: Saying, event_loop_clients: None
) -> None:
    await cache_answers(site)
    says.answer = replace(WHOLE, dropped=("seed",))
    forms = (first, False, True)
    answers = [await ask(key, is_stream=form) for form in forms]
    assert [answer.headers["x-router-cache"] for answer in answers] == ["miss", "hit", "hit"]
    assert [answer.headers["x-router-dropped"] for answer in answers] == ["seed"] * 3
    assert says.asked == 1
    found = [seen(answer, is_stream=form) for answer, form in zip(answers, forms, strict=True)]
    assert len({name for name, *_rest in found}) == 3
    for _name, message, usage, reason in found:
        assert message["content"] == "Good morning!"
        assert message["reasoning_content"] == "Hm."
        assert [block["type"] for block in message["thinking_blocks"]] == [
            "thinking",
            "redacted_thinking",
        ]
        # What the answer is made of; that it cost nothing again is in the books.
        assert (usage["prompt_tokens"], usage["completion_tokens"]) == (21, 9)
        assert usage["completion_tokens_details"]["reasoning_tokens"] == 4
        assert reason == "stop"
    assert answers[1].headers["x-router-cost"] == "0.000000"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_e7__several_answers__are_asked_for_again(
    is_stream: bool, site: Site, key: CreatedKey, says: Saying, event_loop_clients: None
) -> None:
    await cache_answers(site)
    answers = [await ask(key, is_stream=is_stream, n=2) for _number in range(2)]
    assert [answer.headers["x-router-cache"] for answer in answers] == ["off", "off"]
    assert says.asked == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    "answer",
    [
        replace(WHOLE, finish_reason="length"),
        replace(WHOLE, finish_reason="content_filter"),
        replace(WHOLE, finish_reason="tool_calls", parts=(ToolCall("t1", "f", "{}"),)),
    ],
)
async def test_e7__answer_that_is_cut_filtered_or_a_call__is_asked_for_again(
    answer: ChatResponse,
    is_stream: bool,
    site: Site,
    key: CreatedKey,
    says: Saying,
    event_loop_clients: None,
) -> None:
    await cache_answers(site)
    says.answer = answer
    states = [
        (await ask(key, is_stream=is_stream)).headers["x-router-cache"] for _number in range(2)
    ]
    assert (states, says.asked) == (["miss", "miss"], 2)


@pytest.mark.django_db(transaction=True)
async def test_e7__stream_that_broke__is_asked_for_again(
    site: Site, key: CreatedKey, monkeypatch: pytest.MonkeyPatch, event_loop_clients: None
) -> None:
    class Breaking(Saying):
        @override
        async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
            self.asked += 1
            yield StreamEvent("Good ")
            raise AttemptError("cut", "gone")

    provider = Breaking(WHOLE)
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: provider)
    await cache_answers(site)
    for _number in range(2):
        answer = await ask(key, is_stream=True)
        assert answer.headers["x-router-cache"] == "miss"
    assert provider.asked == 2


def test_e7__calls_under_another_reason__are_not_kept_either() -> None:
    assert is_cacheable(WHOLE)
    assert not is_cacheable(replace(WHOLE, parts=(ToolCall("t1", "f", "{}"), Text("x"))))


def test_answer__with_everything__is_opened_as_it_was_sealed() -> None:
    run = make_run("one")
    run.chosen = run.decided().attempts[0]
    answer = replace(
        WHOLE,
        dropped=("seed",),
        stop_sequence="END",
        logprobs={"content": [{"token": "a", "logprob": -1.5}]},
    )
    key = answer_key(run)
    assert open_answer(key, run, seal_answer(key, run, answer)) == ("one", answer)


BEFORE = Turn("assistant", (Text("Hi"), ToolCall("t1", "f", "{}")))


@pytest.mark.parametrize(
    "other",
    [
        replace(BEFORE, name="ada"),
        Turn("assistant", (ToolCall("t1", "f", "{}"), Text("Hi"))),
        Turn("assistant", (Text("Hi"), ToolCall("t1", "f", '{"a": 1}'))),
        Turn("assistant", (Thinking("Hm."), Text("Hi"), ToolCall("t1", "f", "{}"))),
        Turn("user", (Text("Hi"), Image(url="https://a.test/b.png"))),
        Turn("tool", (ToolResult("t1", (Text("Hi"),)),)),
    ],
)
def test_e7__what_stood_before__is_part_of_the_key_in_full(other: Turn) -> None:
    def key_after(turn: Turn) -> str:
        run = make_run("one", caller=CALLER)
        run.prefix = (turn,)
        return answer_key(run)

    assert key_after(BEFORE) == key_after(BEFORE)
    assert key_after(other) != key_after(BEFORE)


def test_e7__route_that_wants_no_loss__has_answers_of_its_own() -> None:
    keys = {
        answer_key(make_run("one", caller=CALLER, rule={"on_unsupported": wanted}))
        for wanted in ("", "drop", "refuse")
    }
    assert len(keys) == 2
