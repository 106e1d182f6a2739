"""Neutral answers in OpenAI's dialect: calls, thoughts, chunks. OA25, OA27 to OA30."""

from typing import Any

import orjson
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from apps.core.chat import (
    AnswerPart,
    ChatResponse,
    FinishReason,
    StreamEvent,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    ToolCallDelta,
)
from apps.gateway.wire.openai_chat.answers import render
from apps.gateway.wire.openai_chat.stream import ChatChunks
from apps.gateway.wire.rendering import AnswerHead
from apps.gateway.wire.sse import DONE

HEAD = AnswerHead("1", "claude", "alias", 7)
USAGE = TokenUsage(28, 7, cached_input_tokens=5, cache_write_tokens=3)
SIGNED = Thinking("Hm.", "sig-1", origin="anthropic")
HIDDEN = Thinking(redacted="opaque", origin="anthropic")
BLOCKS = [
    {"type": "thinking", "thinking": "Hm.", "signature": "sig-1", "origin": "anthropic"},
    {"type": "redacted_thinking", "data": "opaque", "origin": "anthropic"},
]
STREAM = (
    StreamEvent(thinking="H"),
    StreamEvent(thinking="m."),
    StreamEvent(thought=SIGNED),
    StreamEvent(thought=HIDDEN),
    StreamEvent("Let me "),
    StreamEvent("see."),
    StreamEvent(tool_call=ToolCallDelta(0, "t1", "weather")),
    StreamEvent(tool_call=ToolCallDelta(0, arguments='{"city":')),
    StreamEvent(tool_call=ToolCallDelta(0, arguments='"Rome"}')),
    StreamEvent(tool_call=ToolCallDelta(1, "t2", "clock")),
    StreamEvent(tool_call=ToolCallDelta(1, arguments="{}")),
    StreamEvent(finish_reason="tool_calls", usage=USAGE),
)


def whole(*parts: AnswerPart, reason: FinishReason = "stop") -> dict[str, Any]:
    text = "".join(part.text for part in parts if isinstance(part, Text))
    answer = ChatResponse(text, reason, USAGE, parts=parts)
    body = render(answer, HEAD)
    ChatCompletion.model_validate(body, strict=True)
    return body


def chunks(*events: StreamEvent) -> list[dict[str, Any]]:
    renderer = ChatChunks(HEAD, includes_usage=True)
    return [chunk for event in events for chunk in renderer.chunks(event)]


def deltas(*events: StreamEvent) -> list[dict[str, Any]]:
    return [chunk["choices"][0]["delta"] for chunk in chunks(*events)]


def test_oa25__answer_of_calls_only__has_no_content() -> None:
    body = whole(ToolCall("t1", "weather", '{"city":"Rome"}'), reason="tool_calls")
    message = body["choices"][0]["message"]
    assert message["content"] is None
    function = {"name": "weather", "arguments": '{"city":"Rome"}'}
    assert message["tool_calls"] == [{"id": "t1", "type": "function", "function": function}]
    assert body["choices"][0]["finish_reason"] == "tool_calls"
    assert "reasoning_content" not in message


def test_oa25__thoughts__are_never_in_the_content_and_can_be_sent_back() -> None:
    message = whole(SIGNED, HIDDEN, Text("Hi"))["choices"][0]["message"]
    assert message["content"] == "Hi"
    assert message["reasoning_content"] == "Hm."
    assert message["thinking_blocks"] == BLOCKS
    assert "tool_calls" not in message


def test_oa27__usage__counts_cached_and_written_tokens_as_parts_of_the_prompt() -> None:
    usage = whole(Text("Hi"))["usage"]
    assert (usage["prompt_tokens"], usage["total_tokens"]) == (28, 35)
    assert usage["prompt_tokens_details"] == {"cached_tokens": 5, "cache_write_tokens": 3}


def test_oa28__stream__begins_with_the_role_and_has_one_id_and_moment() -> None:
    told = chunks(*STREAM)
    assert told[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in told} == {
        ("chatcmpl-1", 7, "claude")
    }
    assert sum("role" in chunk["choices"][0]["delta"] for chunk in told) == 1


def test_oa28__reason__comes_once_and_nothing_after_it() -> None:
    told = chunks(*STREAM, StreamEvent("more"), StreamEvent(finish_reason="stop"))
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in told]
    assert [reason for reason in reasons if reason] == ["tool_calls"]
    assert reasons[-1] == "tool_calls"


def test_oa29__calls__have_id_type_and_name_once_and_their_own_index() -> None:
    told = [delta["tool_calls"][0] for delta in deltas(*STREAM) if "tool_calls" in delta]
    assert told == [
        {
            "index": 0,
            "id": "t1",
            "type": "function",
            "function": {"name": "weather", "arguments": ""},
        },
        {"index": 0, "function": {"arguments": '{"city":'}},
        {"index": 0, "function": {"arguments": '"Rome"}'}},
        {
            "index": 1,
            "id": "t2",
            "type": "function",
            "function": {"name": "clock", "arguments": ""},
        },
        {"index": 1, "function": {"arguments": "{}"}},
    ]


def test_oa29__chunks__are_put_together_by_the_official_client() -> None:
    state = ChatCompletionStreamState()
    for chunk in chunks(*STREAM):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    message = state.get_final_completion().choices[0].message
    assert message.content == "Let me see."
    assert [
        (call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()
    ] == [
        ("t1", "weather", '{"city":"Rome"}'),
        ("t2", "clock", "{}"),
    ]
    assert message.model_extra is not None
    assert message.model_extra["reasoning_content"] == "Hm."
    sent_back = message.model_extra["thinking_blocks"]
    assert [{k: v for k, v in block.items() if k != "index"} for block in sent_back] == BLOCKS


@pytest.mark.parametrize("event", STREAM)
def test_oa30__chunks__carry_no_usage_and_always_a_choice(event: StreamEvent) -> None:
    for chunk in chunks(event):
        assert "usage" not in chunk
        assert len(chunk["choices"]) == 1


def test_oa30__usage_chunk__has_no_choices() -> None:
    renderer = ChatChunks(HEAD, includes_usage=True)
    last = renderer.end(USAGE)
    assert last.endswith(DONE)
    told = orjson.loads(last.removesuffix(DONE).removeprefix(b"data: "))
    assert told["choices"] == []
    assert told["usage"]["total_tokens"] == 35
    assert told["id"] == "chatcmpl-1"
