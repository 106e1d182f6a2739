"""The official `openai` SDK, over real sockets, against a provider that speaks Anthropic's wire."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam, ChatCompletionToolParam

from tests.factories.offers import SECRET, Offer, publish_offers
from tests.factories.web_process import serving
from tests.providers.upstream import Upstream, running_upstream
from tests.providers.wires import CACHED, FRESH, OUTPUT, Script

pytestmark = pytest.mark.django_db(transaction=True)

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Is it sunny in Rome?"}]
TOOLS: list[ChatCompletionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
    for name in ("weather", "clock")
]
THOUGHT = {"type": "thinking", "thinking": "Look it up.", "signature": "sig-1"}
BLOCKS: tuple[dict[str, Any], ...] = (
    THOUGHT,
    {"type": "text", "text": "Let me see. 🌍"},
    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Roma"}},
    {"type": "tool_use", "id": "toolu_2", "name": "clock", "input": {}},
)


@dataclass(frozen=True, slots=True)
class Door:
    """A served site with one model, and the provider behind it."""

    client: OpenAI
    upstream: Upstream

    def ask(self, messages: list[Any] | None = None, **fields: Any) -> ChatCompletion:
        """Return the answer to a chat with both tools, put together if it was streamed."""
        asked: dict[str, Any] = {
            "model": "claude-sonnet-4-5",
            "messages": messages or HELLO,
            "tools": TOOLS,
        }
        if not fields.pop("is_streamed", False):
            answer: ChatCompletion = self.client.chat.completions.create(**asked, **fields)
            return answer
        with self.client.chat.completions.stream(**asked, **fields) as stream:
            stream.until_done()
            return stream.get_final_completion()

    def sent(self) -> dict[str, Any]:
        """Return the last body that reached the provider."""
        return self.upstream.received[-1].body


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with running_upstream() as upstream:
        key = publish_offers([Offer("anthropic", "claude-sonnet-4-5", upstream.url)]).key
        with (
            serving(tmp_path) as address,
            OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client,
        ):
            yield Door(client, upstream)


def test_tool_loop__whole_and_streamed__gives_everything_back_as_it_came(door: Door) -> None:
    for is_streamed in (False, True):
        door.upstream.script = Script(blocks=BLOCKS, reason="tool_calls")
        options: dict[str, Any] = {"stream_options": {"include_usage": True}} if is_streamed else {}
        answer = door.ask(is_streamed=is_streamed, reasoning_effort="high", **options)
        assert door.sent()["thinking"]["type"] == "enabled"
        (choice,) = answer.choices
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content == "Let me see. 🌍"
        calls = [
            (call.id, call.function.name, call.function.arguments)
            for call in choice.message.tool_calls or ()
            if call.type == "function"
        ]
        assert [(call[0], call[1]) for call in calls] == [
            ("toolu_1", "weather"),
            ("toolu_2", "clock"),
        ]
        assert [call[2].replace(" ", "") for call in calls] == ['{"city":"Roma"}', "{}"]
        assert answer.usage is not None
        assert answer.usage.prompt_tokens == FRESH + CACHED
        assert answer.usage.completion_tokens == OUTPUT
        _go_on(door, answer)


def _go_on(door: Door, answer: ChatCompletion) -> None:
    """Send the answer back with the tools' results, as any agent does."""
    door.upstream.script = Script()
    turn = answer.choices[0].message.model_dump(exclude_none=True)
    results = [
        {"role": "tool", "tool_call_id": name, "content": name} for name in ("toolu_2", "toolu_1")
    ]
    last = door.ask([*HELLO, turn, *results], reasoning_effort="high")
    assert last.choices[0].finish_reason == "stop"
    assert door.sent()["thinking"]["type"] == "enabled"
    _question, called, answered = door.sent()["messages"]
    assert called["content"] == list(BLOCKS)
    assert [(block["type"], block["tool_use_id"]) for block in answered["content"]] == [
        ("tool_result", "toolu_1"),
        ("tool_result", "toolu_2"),
    ]


def test_oa20__what_is_lost__is_told_and_what_cannot_be_said_is_refused(door: Door) -> None:
    for is_streamed in (False, True):
        raw = door.client.chat.completions.with_raw_response.create(
            model="claude-sonnet-4-5",
            messages=HELLO,
            stream=is_streamed,
            seed=5,
            temperature=1.7,
            extra_body={"of\r\nnobody": 1},
        )
        dropped = set(raw.headers["x-router-dropped"].split(", "))
        assert dropped == {"seed", "temperature", "other"}
        assert door.sent()["temperature"] == 1.0
    with pytest.raises(openai.BadRequestError) as refused:
        door.ask(n=2)
    assert refused.value.param == "n"
    with pytest.raises(openai.BadRequestError) as orphan:
        door.ask([*HELLO, {"role": "tool", "tool_call_id": "nobody", "content": "x"}])
    assert orphan.value.param == "messages"
    assert "nobody" in str(orphan.value)


def test_oa30__usage_chunk__comes_only_when_asked(door: Door) -> None:
    door.upstream.script = Script(blocks=BLOCKS, reason="tool_calls")
    plain: dict[str, Any] = {"model": "claude-sonnet-4-5", "messages": HELLO, "stream": True}
    chunks = list(door.client.chat.completions.create(**plain))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    chunks = list(
        door.client.chat.completions.create(**plain, stream_options={"include_usage": True})
    )
    assert [bool(chunk.choices) for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == FRESH + CACHED + OUTPUT
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1


def test_oa32_oa33__stream_that_breaks__is_an_error_and_never_a_clean_end(door: Door) -> None:
    breaks = (
        Script(blocks=BLOCKS, reason="tool_calls", error_after=6, message="overloaded now"),
        Script(blocks=BLOCKS, reason="tool_calls", stops_early=True),
        Script(blocks=BLOCKS, reason="tool_calls", is_cut=True),
    )
    for script in breaks:
        door.upstream.script = script
        reasons: list[str | None] = []
        with pytest.raises(openai.APIError) as told:
            read_reasons(door, reasons)
        assert reasons
        assert not any(reasons)
        assert "broke off" in str(told.value)
        assert SECRET not in str(told.value)


def test_oa32__error_before_the_first_byte__has_a_status(door: Door) -> None:
    door.upstream.script = Script(error_after=0, message="overloaded now")
    with pytest.raises(openai.InternalServerError):
        door.ask(is_streamed=True)


def read_reasons(door: Door, reasons: list[str | None]) -> None:
    """Stream an answer, noting the finish reason of each chunk as it comes."""
    for chunk in door.client.chat.completions.create(
        model="claude-sonnet-4-5", messages=HELLO, stream=True
    ):
        reasons += [choice.finish_reason for choice in chunk.choices]
