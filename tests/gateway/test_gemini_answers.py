"""Neutral answers and errors in Gemini's dialect: whole, as events, as an array. GI4, GI5, T4."""

from typing import Any

import orjson
import pytest
from google.genai import types

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
from apps.core.errors import (
    AuthenticationFailed,
    DeadlineExceeded,
    InvalidRequest,
    ModelNotFound,
    PayloadTooLarge,
    ProviderFailed,
    RateLimited,
    RejectedByRule,
    RouterError,
    ServiceUnavailable,
)
from apps.gateway.wire.gemini.answers import NOT_SIGNED, render
from apps.gateway.wire.gemini.errors import render_error
from apps.gateway.wire.gemini.request import parse
from apps.gateway.wire.gemini.signatures import wrap
from apps.gateway.wire.gemini.stream import GeminiChunks
from apps.gateway.wire.rendering import AnswerHead

HEAD = AnswerHead("r1", "claude", "alias", 7)
ABOUT = {"modelVersion": "claude", "responseId": "r1"}
USAGE = TokenUsage(28, 9, cached_input_tokens=5, reasoning_tokens=2)
COUNTS = {
    "promptTokenCount": 28,
    "candidatesTokenCount": 7,
    "totalTokenCount": 37,
    "cachedContentTokenCount": 5,
    "thoughtsTokenCount": 2,
}
SIGNED = Thinking("Hm.", "sig-1", origin="anthropic")
HIDDEN = Thinking(redacted="opaque", origin="anthropic")
WEATHER = ToolCall("t1", "weather", '{"city":"Rome"}')
CLOCK = ToolCall("t2", "clock", "")
STREAM = (
    StreamEvent(thinking="H"),
    StreamEvent(thinking="m."),
    StreamEvent(thought=SIGNED),
    StreamEvent(thought=HIDDEN),
    StreamEvent("Let me "),
    # Pieces of two calls, one within the other.
    StreamEvent(tool_call=ToolCallDelta(0, "t1", "weather")),
    StreamEvent(tool_call=ToolCallDelta(0, arguments='{"city":')),
    StreamEvent(tool_call=ToolCallDelta(1, "t2", "clock")),
    StreamEvent(tool_call=ToolCallDelta(0, arguments='"Rome"}')),
    StreamEvent("see."),
    StreamEvent(finish_reason="tool_calls"),
    StreamEvent(usage=USAGE),
)
CALLS = [
    {
        "functionCall": {"id": "t1", "name": "weather", "args": {"city": "Rome"}},
        "thoughtSignature": NOT_SIGNED,
    },
    {"functionCall": {"id": "t2", "name": "clock", "args": {}}},
]


def whole(*parts: AnswerPart, reason: FinishReason = "stop", **fields: Any) -> dict[str, Any]:
    text = "".join(part.text for part in parts if isinstance(part, Text))
    body = render(ChatResponse(text, reason, USAGE, parts=parts, **fields), HEAD)
    types.GenerateContentResponse.model_validate(body)
    return body


def streamed(
    *events: StreamEvent, is_array: bool = False, usage: TokenUsage | None = USAGE
) -> list[Any]:
    renderer = GeminiChunks(HEAD, is_array=is_array)
    data = b"".join([*map(renderer.render, events), renderer.end(usage)])
    return parsed(data, is_array=is_array)


def parsed(data: bytes, *, is_array: bool) -> list[Any]:
    if is_array:
        found: list[Any] = orjson.loads(data)
        return found
    return [orjson.loads(event.removeprefix(b"data: ")) for event in data.split(b"\n\n")[:-1]]


def parts_of(chunks: list[Any]) -> list[Any]:
    return [part for chunk in chunks for part in chunk["candidates"][0]["content"].get("parts", ())]


def test_gi4__whole_answer__has_parts_a_reason_counts_and_its_model() -> None:
    body = whole(SIGNED, HIDDEN, Text("Let me see."), WEATHER, CLOCK, reason="tool_calls")
    thoughts = [
        {"text": "Hm.", "thought": True, "thoughtSignature": wrap(SIGNED)},
        {"text": "", "thought": True, "thoughtSignature": wrap(HIDDEN)},
    ]
    content = {"parts": [*thoughts, {"text": "Let me see."}, *CALLS], "role": "model"}
    assert body == {
        "candidates": [{"content": content, "index": 0, "finishReason": "STOP"}],
        "usageMetadata": COUNTS,
        **ABOUT,
    }


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "STOP"),
        ("tool_calls", "STOP"),
        ("length", "MAX_TOKENS"),
        ("content_filter", "SAFETY"),
    ],
)
def test_gi4__reasons__are_geminis_words(reason: FinishReason, expected: str) -> None:
    assert whole(Text("Hi"), reason=reason)["candidates"][0]["finishReason"] == expected
    chunks = streamed(StreamEvent("Hi"), StreamEvent(finish_reason=reason))
    reasons = [chunk["candidates"][0].get("finishReason") for chunk in chunks]
    assert reasons == [None, expected]


def test_gi4__answer_without_anything__is_a_candidate_without_parts() -> None:
    body = whole(reason="content_filter")
    assert body["candidates"][0]["content"] == {"role": "model"}


def test_gi4__stream__tells_reason_and_counts_once_and_last() -> None:
    chunks = streamed(*STREAM)
    for chunk in chunks:
        types.GenerateContentResponse.model_validate(chunk)
    assert {(chunk["responseId"], chunk["modelVersion"]) for chunk in chunks} == {("r1", "claude")}
    assert [bool(chunk.get("usageMetadata")) for chunk in chunks[:-1]] == [False] * len(chunks[:-1])
    assert chunks[-1]["usageMetadata"] == COUNTS
    reasons = [chunk["candidates"][0].get("finishReason") for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["STOP"]


def test_gi4__calls_that_come_in_pieces__are_told_whole_in_one_chunk() -> None:
    chunks = streamed(*STREAM)
    with_calls = [parts_of([chunk]) for chunk in chunks if "functionCall" in str(chunk)]
    assert with_calls == [CALLS]


def test_gi4__stream_sent_back__is_what_was_said() -> None:
    for is_array in (False, True):
        chunks = streamed(*STREAM, is_array=is_array)
        contents = [chunk["candidates"][0]["content"] for chunk in chunks]
        chat = parse({"contents": ["Hi", *contents]}, model="models/pro")
        _user, answered = chat.details().turns
        assert answered.parts == (
            SIGNED,
            HIDDEN,
            Text("Let me "),
            Text("see."),
            ToolCall("t1", "weather", '{"city":"Rome"}', NOT_SIGNED, "google"),
            ToolCall("t2", "clock", "{}"),
        )


def test_gi4__thought_that_comes_whole__is_told_with_its_text() -> None:
    first, second, last = streamed(
        StreamEvent(thought=SIGNED), StreamEvent(thought=Thinking("x")), StreamEvent("", "stop")
    )
    assert parts_of([first]) == [{"text": "Hm.", "thought": True, "thoughtSignature": wrap(SIGNED)}]
    assert parts_of([second]) == [{"text": "x", "thought": True}]
    assert parts_of([last]) == [{"text": ""}]


def test_gi4__thought_after_one_in_pieces__is_told_with_its_own_text() -> None:
    chunks = streamed(
        StreamEvent(thinking="Hm."), StreamEvent(thought=SIGNED), StreamEvent(thought=SIGNED)
    )
    assert [part["text"] for part in parts_of(chunks)] == ["Hm.", "", "Hm."]


def test_gi4__signature_of_gemini__is_told_as_it_is() -> None:
    own = Thinking("Hm.", "c2ln", origin="google")
    call = ToolCall("t1", "clock", "{}", "Y2Fs", "google")
    thought, called = whole(own, call)["candidates"][0]["content"]["parts"]
    assert (thought["thoughtSignature"], called["thoughtSignature"]) == ("c2ln", "Y2Fs")


@pytest.mark.parametrize("arguments", ['{"city":', "[]", "Rome"])
def test_gi4__arguments_that_are_no_object__are_told_as_malformed(arguments: str) -> None:
    call = ToolCall("t1", "weather", arguments)
    (candidate,) = whole(call, CLOCK, reason="tool_calls")["candidates"]
    assert candidate["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert [part["functionCall"]["name"] for part in candidate["content"]["parts"]] == ["clock"]
    chunks = streamed(
        StreamEvent(tool_call=ToolCallDelta(0, "t1", "weather", arguments)),
        StreamEvent(finish_reason="tool_calls"),
    )
    assert [chunk["candidates"][0]["finishReason"] for chunk in chunks] == [
        "MALFORMED_FUNCTION_CALL"
    ]


def test_gi4__call_cut_by_the_limit__is_left_out_of_an_answer_that_is_too_long() -> None:
    (candidate,) = whole(ToolCall("t1", "weather", '{"ci'), reason="length")["candidates"]
    assert candidate["finishReason"] == "MAX_TOKENS"
    assert candidate["content"] == {"role": "model"}


def test_gi4__probabilities__are_in_two_lists() -> None:
    top = [{"token": "Hi", "logprob": -0.1}, {"token": "Ho", "logprob": -2.5}]
    logprobs = {"content": [{"token": "Hi", "logprob": -0.1, "top_logprobs": top}]}
    expected = {
        "topCandidates": [
            {
                "candidates": [
                    {"token": "Hi", "logProbability": -0.1},
                    {"token": "Ho", "logProbability": -2.5},
                ]
            }
        ],
        "chosenCandidates": [{"token": "Hi", "logProbability": -0.1}],
    }
    body = whole(Text("Hi"), logprobs=logprobs)
    assert body["candidates"][0]["logprobsResult"] == expected
    first, *_ = streamed(StreamEvent("Hi", logprobs=logprobs), StreamEvent("", "stop"))
    assert first["candidates"][0]["logprobsResult"] == expected


def test_gi4__what_gemini_said__passes_through_under_one_id() -> None:
    raw = {
        "candidates": [{"content": {"parts": [{"text": "Hi"}]}, "groundingMetadata": {"a": 1}}],
        "modelVersion": "gemini-2.5-pro-001",
        "responseId": "theirs",
        "odd": 1,
    }
    last = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"totalTokenCount": 3}}
    response = ChatResponse("Hi", "stop", USAGE, raw=raw, raw_dialect="gemini")
    assert render(response, HEAD) == {**raw, **ABOUT}
    chunks = streamed(
        StreamEvent("Hi", raw=raw, raw_dialect="gemini"),
        StreamEvent("", "stop", USAGE, raw=last, raw_dialect="gemini"),
        # More of the same chunk, and counts that no chunk carried, for our books.
        StreamEvent("", "stop", raw={}, raw_dialect="gemini"),
        StreamEvent("", "stop", USAGE),
    )
    assert chunks == [{**raw, **ABOUT}, {**last, **ABOUT}]


def test_gi4__blocked_question__passes_through_without_a_second_end() -> None:
    raw = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    event = StreamEvent("", "content_filter", USAGE, raw=raw, raw_dialect="gemini")
    assert streamed(event) == [{**raw, **ABOUT}]


def test_gi4__raw_answer_of_another_dialect__is_told_from_its_neutral_form() -> None:
    raw: dict[str, Any] = {"choices": []}
    response = ChatResponse("Hi", "stop", USAGE, raw=raw, raw_dialect="openai.chat")
    assert parts_of([render(response, HEAD)]) == [{"text": "Hi"}]
    chunks = streamed(StreamEvent("Hi", "stop", USAGE, raw=raw, raw_dialect="openai.chat"))
    assert parts_of(chunks) == [{"text": "Hi"}, {"text": ""}]


def test_t4__array__is_one_json_value_of_the_same_chunks() -> None:
    assert streamed(*STREAM, is_array=True) == streamed(*STREAM)
    array, events = (GeminiChunks(HEAD, is_array=is_array) for is_array in (True, False))
    assert array.content_type.startswith("application/json")
    assert events.content_type.startswith("text/event-stream")
    assert b"[DONE]" not in events.render(StreamEvent("", "stop")) + events.end(USAGE)


# --- Errors ---------------------------------------------------------------------------------------


def test_gi5__stream_that_breaks__ends_with_an_error_and_without_a_reason() -> None:
    error = ProviderFailed("the provider's stream broke off")
    for is_array in (False, True):
        renderer = GeminiChunks(HEAD, is_array=is_array)
        data = renderer.render(StreamEvent("Hi")) + renderer.error(error)
        said, told = parsed(data, is_array=is_array)
        assert "finishReason" not in said["candidates"][0]
        assert told["error"]["status"] == "UNAVAILABLE"
        assert told["error"]["code"] == 502
        # So the official client tells an error from a chunk.
        assert next(iter(told)) == "error"


def test_gi5__stream_that_breaks__says_so_without_a_frame_too_as_google_does() -> None:
    """Clients that read no error in an event must not take what came for the whole answer."""
    data = GeminiChunks(HEAD, is_array=False).error(ProviderFailed("broke off"))
    framed, _end, bare = data.rpartition(b"\n\n")
    assert framed == b"data: " + bare
    assert orjson.loads(bare)["error"]["code"] == 502


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (InvalidRequest("x"), 400, "INVALID_ARGUMENT"),
        (AuthenticationFailed("x"), 401, "UNAUTHENTICATED"),
        (RejectedByRule("x"), 403, "PERMISSION_DENIED"),
        (ModelNotFound("x"), 404, "NOT_FOUND"),
        (PayloadTooLarge("x"), 413, "INVALID_ARGUMENT"),
        (RateLimited("x"), 429, "RESOURCE_EXHAUSTED"),
        (RouterError("x"), 500, "INTERNAL"),
        (ProviderFailed("x"), 502, "UNAVAILABLE"),
        (ServiceUnavailable("x"), 503, "UNAVAILABLE"),
        (DeadlineExceeded("x"), 504, "DEADLINE_EXCEEDED"),
    ],
)
def test_gi5__error__has_code_message_and_status(
    error: RouterError, status: int, name: str
) -> None:
    assert error.http_status == status
    told = render_error(error, status, "req_1")["error"]
    assert (told["code"], told["message"], told["status"]) == (status, "x", name)


def test_gi5__details__are_our_code_the_field_the_wait_and_the_request() -> None:
    error = RateLimited("slow down", param="model", retry_after_seconds=7)
    details = render_error(error, 429, "req_1")["error"]["details"]
    found = {detail.pop("@type").rpartition(".")[2]: detail for detail in details}
    violation = {"field": "model", "description": "slow down"}
    assert found == {
        "ErrorInfo": {"reason": "RATE_LIMIT_EXCEEDED", "domain": "llm-router"},
        "BadRequest": {"fieldViolations": [violation]},
        "RetryInfo": {"retryDelay": "7s"},
        "RequestInfo": {"requestId": "req_1"},
    }
