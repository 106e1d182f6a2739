"""The official `openai` SDK, over real sockets, against a provider that speaks Gemini's wire.

The provider checks what it gets as Gemini does: signatures, ids, schemas, levels of thinking.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from apps.providers.adapters.google.signatures import NOT_SIGNED
from apps.providers.wire_servers.gemini.generate import SIGNED
from apps.providers.wire_servers.scripts import TEXT, THOUGHT, Script, Tokens, signature_of
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.factories.offers import SECRET, Offer, publish_offers
from tests.factories.web_process import serving

pytestmark = pytest.mark.django_db(transaction=True)

MODEL = "gemini-3-flash"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Is it sunny?"}]
TOOLS: list[ChatCompletionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": ["string", "null"]}},
                "additionalProperties": False,
            },
        },
    }
]
PNG = "iVBORw0KGgo="
CITIES = ["São Paulo", "東京"]


class Answer(BaseModel):
    """What a caller wants to have filled in."""

    city: str


@dataclass(frozen=True, slots=True)
class Door:
    """A served site with one model, and the provider behind it."""

    client: OpenAI
    server: WireServer

    def ask(self, script: str | Script = "text", **fields: Any) -> ChatCompletion:
        """Return the answer that a script gives, put together if it was streamed."""
        self.server.plan(script)
        asked: dict[str, Any] = {"model": MODEL, "messages": HELLO}
        if not fields.pop("is_streamed", False):
            answer: ChatCompletion = self.client.chat.completions.create(**asked | fields)
            return answer
        asked["stream_options"] = {"include_usage": True}
        with self.client.chat.completions.stream(**asked | fields) as stream:
            stream.until_done()
            return stream.get_final_completion()

    def sent(self) -> dict[str, Any]:
        """Return the last body that reached the provider."""
        return self.server.received[-1].body


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with running_wire_server(secret=SECRET) as server:
        key = publish_offers(
            [Offer("google", MODEL, server.url_of("google"), max_output_tokens=65_536)]
        ).key
        with (
            serving(tmp_path) as address,
            OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client,
        ):
            yield Door(client, server)


def test_og10_og13_ag2__tool_loop__whole_and_streamed_gives_everything_back(door: Door) -> None:
    for is_streamed in (False, True):
        answer = door.ask(
            "thinking_tools", tools=TOOLS, reasoning_effort="high", is_streamed=is_streamed
        )
        thinking = door.sent()["generationConfig"]["thinkingConfig"]
        assert thinking == {"includeThoughts": True, "thinkingLevel": "HIGH"}
        (choice,) = answer.choices
        assert (choice.finish_reason, choice.message.content) in (
            ("tool_calls", None),
            ("tool_calls", ""),
        )
        turn: dict[str, Any] = choice.message.model_dump(exclude_none=True)
        assert turn["reasoning_content"] == THOUGHT
        calls = turn["tool_calls"]
        assert len({call["id"] for call in calls}) == len(CITIES)
        assert [json.loads(call["function"]["arguments"])["city"] for call in calls] == CITIES
        assert answer.usage is not None
        assert answer.usage.total_tokens == Tokens().total
        assert door.server.received[-1].refusal == ""
        _go_on(door, turn)


def _go_on(door: Door, turn: dict[str, Any]) -> None:
    """Send the answer back with the tools' results: as it came, as plain clients do, as a stranger.

    What plain clients drop is remembered; of calls that nobody knows Gemini is told so.
    """
    plain: dict[str, Any] = {
        "role": "assistant",
        "tool_calls": [
            {name: call[name] for name in ("id", "type", "function")} for call in turn["tool_calls"]
        ],
    }
    calls = [{**call, "id": f"of-another-{call['id']}"} for call in plain["tool_calls"]]
    strange = {"role": "assistant", "tool_calls": calls}
    signed = signature_of(SIGNED)
    for sent_back, signature in ((turn, signed), (plain, signed), (strange, NOT_SIGNED)):
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": "20 °C"}
            for call in reversed(sent_back["tool_calls"])
        ]
        last = door.ask(messages=[*HELLO, sent_back, *results], tools=TOOLS)
        assert (last.choices[0].finish_reason, last.choices[0].message.content) == ("stop", TEXT)
        _question, called, answered = door.sent()["contents"]
        calls = [part for part in called["parts"] if "functionCall" in part]
        assert calls[0]["thoughtSignature"] == signature
        assert [part["functionCall"]["args"]["city"] for part in calls] == CITIES
        assert [part["functionResponse"]["name"] for part in answered["parts"]] == [
            "get_weather",
            "get_weather",
        ]


def test_og2_og7_og8__image_probabilities_and_schema__go_there_and_come_back(door: Door) -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    content = [{"type": "text", "text": "What is it?"}, image]
    for is_streamed in (False, True):
        asked: dict[str, Any] = {"messages": [{"role": "user", "content": content}]}
        answer = door.ask(**asked, logprobs=True, top_logprobs=2, is_streamed=is_streamed)
        parts = door.sent()["contents"][0]["parts"]
        assert parts[1] == {"inlineData": {"mimeType": "image/png", "data": PNG}}
        logprobs = answer.choices[0].logprobs
        assert logprobs is not None
        assert "".join(token.token for token in logprobs.content or ()) == TEXT
        assert all(len(token.top_logprobs) == 2 for token in logprobs.content or ())
    door.server.plan(Script(text='{"city": "東京"}'))
    parsed = door.client.chat.completions.parse(model=MODEL, messages=HELLO, response_format=Answer)
    assert parsed.choices[0].message.parsed == Answer(city="東京")
    config = door.sent()["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"]["additionalProperties"] is False


def test_og9__thinking__is_reasoning_and_never_content(door: Door) -> None:
    for is_streamed in (False, True):
        answer = door.ask("thinking", reasoning_effort="low", is_streamed=is_streamed)
        message = answer.choices[0].message
        assert message.content == TEXT
        assert message.model_dump()["reasoning_content"] == THOUGHT
        turn = message.model_dump(exclude_none=True)
        door.ask(messages=[*HELLO, turn, *HELLO])
        assert door.server.received[-1].refusal == ""


def test_og12_og15__filtered_empty_and_plain_streams__have_one_id_and_one_reason(
    door: Door,
) -> None:
    reasons = {
        "blocked": "content_filter",
        "nothing_but_thought": "length",
        "parallel_tools": "tool_calls",
    }
    for script, reason in reasons.items():
        (choice,) = door.ask(script, tools=TOOLS).choices
        assert (choice.message.content or "", choice.finish_reason) == ("", reason)
        door.server.plan(script)
        chunks = list(
            door.client.chat.completions.create(
                model=MODEL, messages=HELLO, tools=TOOLS, stream=True
            )
        )
        assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1
        said = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
        assert [each for each in said if each] == [reason]
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert [call.index for call in calls] == [0, 1]


def test_og16__errors__break_a_stream_after_its_first_byte_and_have_a_status_before(
    door: Door,
) -> None:
    for script in ("error_event", "stops_early", "cut"):
        with pytest.raises(openai.APIError) as told:
            door.ask(script, is_streamed=True)
        assert "broke off" in str(told.value)
        assert SECRET not in str(told.value)
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30s"}]
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "busy", "details": details}
    limit = Script(status=429, body=json.dumps({"error": error}).encode())
    with pytest.raises(openai.RateLimitError) as limited:
        door.ask(limit, is_streamed=True)
    assert 25 <= float(limited.value.response.headers["retry-after"]) <= 30


def test_what_the_wire_cannot_say__is_refused_by_name_or_told(door: Door) -> None:
    plain = {"type": "image_url", "image_url": {"url": "http://x.test/cat.png"}}
    with pytest.raises(openai.BadRequestError) as refused:
        door.ask(messages=[{"role": "user", "content": [plain]}])
    assert refused.value.param == "messages"
    raw = door.client.chat.completions.with_raw_response.create(
        model=MODEL, messages=HELLO, logit_bias={"5": 1}, parallel_tool_calls=False, tools=TOOLS
    )
    assert set(raw.headers["x-router-dropped"].split(", ")) == {"logit_bias", "parallel_tool_calls"}
