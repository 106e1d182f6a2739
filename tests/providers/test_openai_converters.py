"""OpenAI's wire: what is passed through, what is replaced, and odd answers read tolerantly."""

from typing import Any

import orjson
import pytest

from apps.core.chat import ChatRequest, ChatResponse, Message, Thinking
from apps.providers.adapters.base import AttemptError, Connection, ProviderCall, Timeouts
from apps.providers.adapters.openai.errors import error_from_answer
from apps.providers.adapters.openai.refusals import take_back
from apps.providers.adapters.openai.requests import build_headers, build_request, build_url
from apps.providers.adapters.openai.responses import read_answer
from apps.providers.adapters.openai.streaming import ChunkReader


def make_call(
    raw: dict[str, Any] | None = None, *, model: str = "upstream", limit: int | None = None
) -> ProviderCall:
    request = ChatRequest(
        "alias",
        (Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "42")),
        "openai.chat" if raw is not None else "router",
        temperature=0.0,
        stop=("a", "b", "c", "d", "e"),
        raw=raw or {},
    )
    connection = Connection("openai", "http://server/v1/", model, "secret-1234")
    return ProviderCall(request, connection, limit, Timeouts(), "req_1")


def build_body(call: ProviderCall, *, is_streamed: bool) -> dict[str, Any]:
    return build_request(call, is_streamed=is_streamed).body


def reader() -> ChunkReader:
    return ChunkReader(make_call(), build_request(make_call(), is_streamed=True))


def read_whole(body: bytes) -> ChatResponse:
    return read_answer(body, make_call(), build_request(make_call(), is_streamed=False))


RAW: dict[str, Any] = {
    "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    "model": "alias",
    "min_p": 0.1,
    "chat_template_kwargs": {"thinking": True},
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "metadata": {"team": "a"},
}


def test_build_body__same_dialect__keeps_unknown_fields_and_order() -> None:
    body = build_body(make_call(RAW), is_streamed=False)
    kept = {name: value for name, value in RAW.items() if name != "metadata"}
    assert body == kept | {"model": "upstream"}
    assert [name for name in body if name in RAW] == [n for n in RAW if n != "metadata"]
    assert RAW["model"] == "alias"


def test_build_body__metadata__goes_only_where_the_answer_is_stored() -> None:
    assert "metadata" not in build_body(make_call(RAW), is_streamed=False)
    stored = build_body(make_call({**RAW, "store": True}), is_streamed=False)
    assert stored["metadata"] == RAW["metadata"]


def test_build_body__streamed__always_asks_for_usage() -> None:
    body = build_body(make_call({**RAW, "stream_options": {"x": 1}}), is_streamed=True)
    assert body["stream"] is True
    assert body["stream_options"] == {"x": 1, "include_usage": True}


def test_build_body__whole__has_no_streaming_fields() -> None:
    raw = {**RAW, "stream": True, "stream_options": {"include_usage": True}}
    body = build_body(make_call(raw), is_streamed=False)
    assert not {"stream", "stream_options"} & set(body)


@pytest.mark.parametrize(
    ("raw", "model", "limit", "expected"),
    [
        ({}, "llama", 10, {"max_tokens": 10}),
        ({}, "gpt-5-mini", 10, {"max_completion_tokens": 10}),
        ({}, "openai/o3", 10, {"max_completion_tokens": 10}),
        ({"max_tokens": 99}, "gpt-6-sol", None, {"max_completion_tokens": 99}),
        ({"max_tokens": 99}, "gpt-4o", 10, {"max_tokens": 10}),
        ({"max_completion_tokens": 99}, "llama", 10, {"max_completion_tokens": 10}),
        ({"max_tokens": 9, "max_completion_tokens": 8}, "o1", 7, {"max_completion_tokens": 7}),
        ({"max_tokens": None}, "llama", None, {}),
        ({}, "llama", None, {}),
    ],
)
def test_build_body__limit__stands_once_under_the_models_name_for_it(
    raw: dict[str, Any], model: str, limit: int | None, expected: dict[str, int]
) -> None:
    body = build_body(
        make_call({"messages": [], **raw}, model=model, limit=limit), is_streamed=True
    )
    assert {name: body[name] for name in body if name.startswith("max_")} == expected


def test_build_body__other_dialect__is_built_from_neutral_messages() -> None:
    body = build_body(make_call(limit=5), is_streamed=False)
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "42"},
    ]
    assert (body["temperature"], body["stop"], body["max_tokens"]) == (0.0, list("abcd"), 5)


def test_build_headers__hold_the_providers_secret_and_our_request_id() -> None:
    headers = build_headers(make_call())
    assert headers["authorization"] == "Bearer secret-1234"
    assert headers["x-client-request-id"] == "req_1"
    assert build_url(make_call().connection) == "http://server/v1/chat/completions"


TOO_LONG = "context_length_exceeded"


def answer(message: dict[str, Any], reason: str | None = "stop", **more: Any) -> bytes:
    return orjson.dumps({"choices": [{"message": message, "finish_reason": reason}], **more})


@pytest.mark.parametrize(
    ("message", "reason", "text", "finish"),
    [
        ({"content": "hi"}, "stop", "hi", "stop"),
        ({"content": None}, "length", "", "length"),
        ({"content": [{"type": "text", "text": "a"}, {"text": "b"}]}, "stop", "ab", "stop"),
        ({"content": "", "tool_calls": [{"id": "1"}]}, "stop", "", "tool_calls"),
        ({"content": ""}, "function_call", "", "tool_calls"),
        ({"content": "x"}, "content_filter", "x", "content_filter"),
        ({"content": "x"}, "invented_yesterday", "x", "stop"),
        ({"content": "x"}, None, "x", "stop"),
    ],
)
def test_read_answer__odd_contents_and_reasons__are_read(
    message: dict[str, Any], reason: str | None, text: str, finish: str
) -> None:
    read = read_whole(answer(message, reason))
    assert (read.text, read.finish_reason) == (text, finish)
    assert (read.raw_dialect, read.usage.is_estimated) == ("openai.chat", True)


def test_read_answer__raw__keeps_what_we_do_not_know() -> None:
    body = answer({"content": "x", "reasoning": "hm"}, timings={"a": 1})
    assert read_whole(body).raw == orjson.loads(body)


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (
            400,
            {"error": {"message": "long", "code": "context_length_exceeded"}},
            "context_length",
            "long",
        ),
        (400, {"message": "maximum context length is 8", "type": "x"}, "context_length", "maximum"),
        (429, {"error": {"message": "pay", "code": "insufficient_quota"}}, "credential", "pay"),
        (422, {"detail": [{"msg": "no"}]}, "rejected", "no"),
        (400, {"error": "plain"}, "rejected", "plain"),
        (400, {"object": "error", "message": "flat", "code": 4}, "rejected", "flat"),
        (404, {"error": {"message": "gone", "code": "model_not_found"}}, "credential", "gone"),
        (413, None, "context_length", "413"),
        (504, None, "unavailable", "504"),
    ],
)
def test_error_from_answer__any_shape__is_typed(
    status: int, body: Any, kind: str, message: str
) -> None:
    raw = orjson.dumps(body) if body else b"<html>proxy</html>"
    error = error_from_answer(status, raw, headers={}, secret="secret-1234")
    assert (error.kind, error.http_status) == (kind, status)
    assert message in error.message


def test_error_from_answer__status_said_once_more__is_no_code() -> None:
    body = orjson.dumps(
        {"object": "error", "message": "no", "type": "BadRequestError", "code": 400}
    )
    error = error_from_answer(400, body, headers={}, secret="")
    assert error.provider_code == "BadRequestError"


@pytest.mark.parametrize(
    ("param", "is_taken"), [("temperature", True), (None, True), ("messages[0].name", False)]
)
def test_take_back__field_that_the_error_does_not_mean__stays(
    param: str | None, is_taken: bool
) -> None:
    outgoing = build_request(make_call(), is_streamed=False)
    told = "Unsupported value: temperature"
    error = AttemptError("rejected", told, http_status=400, param=param)
    assert take_back(outgoing, error) is is_taken
    assert ("temperature" in outgoing.body) is not is_taken


def chunk(**fields: Any) -> bytes:
    return orjson.dumps(fields)


def test_chunk_reader__usage_on_every_chunk__reports_the_last_once() -> None:
    chunks, usages = reader(), []
    for number, reason in ((1, None), (2, None), (3, "stop")):
        usage = {"prompt_tokens": 5, "completion_tokens": number}
        choice = {"delta": {"content": "x"}, "finish_reason": reason}
        usages += [event.usage for event in chunks.read(chunk(choices=[choice], usage=usage))]
    assert [usage.output_tokens for usage in usages if usage] == [3]
    assert chunks.end() is None


def test_chunk_reader__first_chunk_without_choices__is_passed_on() -> None:
    (event,) = reader().read(chunk(choices=[], prompt_filter_results=[]))
    assert (event.text, event.finish_reason) == ("", None)
    assert event.raw == {"choices": [], "prompt_filter_results": []}


def test_chunk_reader__tools_then_stop__says_tool_calls() -> None:
    chunks = reader()
    chunks.read(chunk(choices=[{"delta": {"tool_calls": [{"index": 0}]}}]))
    *_, event = chunks.read(chunk(choices=[{"delta": {}, "finish_reason": "stop"}]))
    assert event.finish_reason == "tool_calls"


def test_ao12__call_without_any_arguments__ends_with_an_empty_object() -> None:
    chunks = reader()
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}
    chunks.read(chunk(choices=[{"delta": {"tool_calls": [call]}}]))
    events = chunks.read(chunk(choices=[{"delta": {}, "finish_reason": "tool_calls"}]))
    assert [event.tool_call.arguments for event in events if event.tool_call] == ["{}"]
    assert [event.finish_reason for event in events] == [None, None, "tool_calls"]


def test_ao4__thought__is_whole_when_the_first_text_comes() -> None:
    chunks = reader()
    chunks.read(chunk(choices=[{"delta": {"reasoning_content": "Hm"}}]))
    chunks.read(chunk(choices=[{"delta": {"reasoning": "."}}]))
    (event,) = chunks.read(chunk(choices=[{"delta": {"content": "Yes"}}]))
    assert (event.text, event.thought) == ("Yes", Thinking("Hm.", origin="openai"))
    (later,) = chunks.read(chunk(choices=[{"delta": {"content": "!"}}]))
    assert (later.text, later.thought) == ("!", None)


def test_chunk_reader__no_reason_to_stop__is_cut() -> None:
    chunks = reader()
    chunks.read(chunk(choices=[{"delta": {"content": "x"}}]))
    with pytest.raises(AttemptError) as caught:
        chunks.end()
    assert caught.value.kind == "cut"


def test_chunk_reader__error_event__is_typed_before_the_first_chunk_only() -> None:
    limited = chunk(error={"message": "slow down", "code": "rate_limit_exceeded"})
    with pytest.raises(AttemptError) as first:
        reader().read(limited)
    chunks = reader()
    chunks.read(chunk(choices=[{"delta": {"content": "x"}}]))
    with pytest.raises(AttemptError) as later:
        chunks.read(limited)
    assert (first.value.kind, later.value.kind) == ("rate_limited", "cut")
