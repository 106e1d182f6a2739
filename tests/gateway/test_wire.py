"""The dialects: bodies to neutral requests, each fault named; neutral answers to bodies."""

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.chat import ChatResponse, Message, StreamEvent, TokenUsage
from apps.core.errors import InvalidJson, InvalidRequest
from apps.gateway.wire import router_chat
from apps.gateway.wire.fields import read_object
from apps.gateway.wire.openai_chat import request as openai_chat
from apps.gateway.wire.openai_chat.answers import render
from apps.gateway.wire.openai_chat.errors import render_error
from apps.gateway.wire.openai_chat.needs import PART_NEEDS
from apps.gateway.wire.openai_chat.stream import ChatChunks
from apps.gateway.wire.openai_fields import tags_of
from apps.gateway.wire.rendering import AnswerHead
from apps.gateway.wire.sse import data_event
from apps.providers.enums import Capability
from apps.routing.engine.fields import NEEDS

HELLO = [{"role": "user", "content": "Hello"}]
HEAD = AnswerHead("1", "sim", "alias", 7)
USAGE = TokenUsage(10, 20, cached_input_tokens=4, reasoning_tokens=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-1e6, 1e6) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        *("model", "messages", "stream", "n", "max_tokens", "max_completion_tokens"),
        *("temperature", "top_p", "stop", "metadata", "stream_options", "response_format"),
        *("tools", "functions", "user", "safety_identifier", "modalities", "reasoning_effort"),
        "reasoning",
    ]
)


def openai(**fields: Any) -> Any:
    return openai_chat.parse({"model": "auto", "messages": HELLO, **fields})


def test_openai__whole_body__is_read() -> None:
    chat = openai(
        model=" fast ",
        stream=True,
        max_tokens=5,
        temperature=0,
        top_p=1,
        stop="end",
        tools=[{"type": "function"}],
        response_format={"type": "json_schema"},
    )
    assert (chat.model, chat.stream, chat.max_output_tokens) == ("fast", True, 5)
    assert (chat.temperature, chat.top_p, chat.stop) == (0.0, 1.0, ("end",))
    assert chat.needs == {"streaming", "tools", "json_schema"}
    assert chat.messages == (Message("user", "Hello"),)
    assert chat.raw["messages"] is HELLO


def test_openai__both_output_limits__takes_the_newer() -> None:
    assert openai(max_tokens=5, max_completion_tokens=9).max_output_tokens == 9


def test_openai__parts__are_joined_and_say_what_they_need() -> None:
    parts = [
        {"type": "text", "text": "one"},
        {"type": "image_url", "image_url": {"url": "data:"}},
        {"type": "input_audio"},
        {"type": "text", "text": "two"},
    ]
    chat = openai(messages=[{"role": "user", "content": parts}])
    assert chat.messages[0].text.split() == ["one", "two"]
    assert chat.needs == {"vision", "audio"}


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, set()),
        ({"stream": True}, {"streaming"}),
        ({"stream": False}, set()),
        ({"tools": [{"type": "function"}]}, {"tools"}),
        ({"functions": [{"name": "f"}]}, {"tools"}),
        ({"tools": []}, set()),
        ({"response_format": {"type": "json_object"}}, {"json_schema"}),
        ({"response_format": {"type": "text"}}, set()),
        ({"reasoning_effort": "low"}, {"reasoning"}),
        ({"reasoning_effort": "none"}, set()),
        ({"reasoning": {"effort": "high"}}, {"reasoning"}),
        ({"reasoning": {"summary": "auto"}}, set()),
        ({"modalities": ["text", "audio"]}, {"audio"}),
        ({"modalities": ["text"]}, set()),
        ({"messages": [{"role": "tool", "content": "x"}]}, {"tools"}),
        ({"messages": [{"role": "assistant", "content": "", "tool_calls": [{}]}]}, {"tools"}),
        ({"messages": [{"role": "user", "content": [{"type": "file"}]}]}, {"files"}),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, {"audio"}),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, {"vision"}),
    ],
)
def test_openai__body__says_what_it_needs(fields: dict[str, Any], needs: set[str]) -> None:
    assert openai(**fields).needs == needs


def test_needs__of_every_kind__are_capabilities_of_the_catalogue() -> None:
    known = {*PART_NEEDS.values(), "streaming", "tools", "json_schema", "reasoning"}
    # Asked for by an entrance of its own.
    known.add("embeddings")
    assert known == set(Capability.values) == set(NEEDS)


@pytest.mark.parametrize(
    ("fields", "user"),
    [
        ({}, ""),
        ({"user": "ana"}, "ana"),
        ({"user": "ana", "safety_identifier": "a1"}, "a1"),
        ({"user": "ana", "safety_identifier": None}, "ana"),
    ],
)
def test_openai__user__is_read_by_either_name(fields: dict[str, Any], user: str) -> None:
    assert openai(**fields).user == user


def test_metadata__of_both_dialects__is_flat_text() -> None:
    metadata = {
        "plan": "gold",
        "seats": 5,
        "share": 0.5,
        "beta": True,
        "tags": ["a"],
        "nested": {"x": "y"},
        "nothing": None,
    }
    flat = {"plan": "gold", "seats": "5", "share": "0.5", "beta": "true"}
    assert openai(metadata=metadata).metadata == flat
    body = {"messages": HELLO, "metadata": metadata, "user": "ana"}
    read = router_chat.parse(body)
    assert (read.chat.metadata, read.chat.user) == (flat, "ana")
    assert read.chat.needs == set()


def test_openai__roles_of_every_kind__become_ours() -> None:
    named = ["developer", "system", "user", "assistant", "tool", "function"]
    chat = openai(messages=[{"role": role, "content": "x"} for role in named])
    ours = ["system", "system", "user", "assistant", "tool", "tool"]
    assert [message.role for message in chat.messages] == ours


def test_openai__tool_call_without_text__is_allowed() -> None:
    called = {"role": "assistant", "content": None, "tool_calls": [{"id": "x"}]}
    assert openai(messages=[*HELLO, called]).messages[1].text == ""


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": HELLO * 2_001}, "messages"),
        ({"messages": ["x"]}, "messages[0]"),
        ({"messages": [*HELLO, {"content": "x"}]}, "messages[1].role"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": {}, "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]},
            "messages[0].content[0].text",
        ),
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"model": "x" * 121}, "model"),
        ({"model": "a\0b"}, "model"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": "1"}, "n"),
        ({"stream": "true"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 1.1}, "top_p"),
        ({"stop": [1]}, "stop"),
        ({"stop": {"a": "b"}}, "stop"),
        ({"response_format": "json"}, "response_format"),
        ({"modalities": {"audio": True}}, "modalities"),
        ({"reasoning_effort": 3}, "reasoning_effort"),
        ({"reasoning": "high"}, "reasoning"),
        ({"user": 7}, "user"),
        ({"safety_identifier": "x" * 513}, "safety_identifier"),
        ({"metadata": {f"k{number}": "v" for number in range(17)}}, "metadata"),
        ({"metadata": {"k" * 65: "v"}}, "metadata"),
        ({"metadata": {"k": "v" * 513}}, "metadata"),
        ({"metadata": {"k": "a\0b"}}, "metadata"),
        ({"metadata": {"a\0b": "v"}}, "metadata"),
    ],
)
def test_openai__faulty_field__is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as told:
        openai(**fields)
    assert told.value.param == param
    assert told.value.message


# How fast bodies are made says nothing about the parser, only about a busy machine.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(FIELDS, JSON, max_size=6))
def test_openai__any_body__is_read_or_refused_by_name(body: dict[str, Any]) -> None:
    try:
        chat = openai_chat.parse(body)
        tags_of(body)
        openai_chat.includes_usage(body)
    except InvalidRequest as error:
        assert error.param  # noqa: PT017 - either outcome is right; a refusal names its field
    else:
        assert chat.messages


@given(st.dictionaries(st.sampled_from(sorted(router_chat.FIELDS)), JSON, max_size=6))
def test_router__any_body__is_read_or_refused_by_name(body: dict[str, Any]) -> None:
    try:
        read = router_chat.parse(body)
    except InvalidRequest as error:
        assert error.param  # noqa: PT017 - either outcome is right; a refusal names its field
    else:
        assert read.chat.messages or read.prompt_template


@pytest.mark.parametrize(
    ("metadata", "tags"),
    [
        (None, ()),
        ({}, ()),
        ({"tags": "a,b"}, ("a", "b")),
        ({"tags": ["a", "b"]}, ("a", "b")),
    ],
)
def test_openai__metadata__carries_tags(metadata: Any, tags: tuple[str, ...]) -> None:
    assert tags_of({"metadata": metadata}) == tags


@pytest.mark.parametrize("metadata", ["x", {"tags": 5}, {"tags": [5]}])
def test_openai__faulty_metadata__is_named(metadata: Any) -> None:
    with pytest.raises(InvalidRequest) as told:
        tags_of({"metadata": metadata})
    assert told.value.param in {"metadata", "metadata.tags"}


def test_openai__answer_of_another_dialect__is_rendered_in_full() -> None:
    body = render(ChatResponse("Hi", "length", USAGE), HEAD)
    assert (body["id"], body["object"], body["created"]) == ("chatcmpl-1", "chat.completion", 7)
    assert body["choices"][0]["message"]["content"] == "Hi"
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["total_tokens"] == 30
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 4, "cache_write_tokens": 0}
    assert body["usage"]["completion_tokens_details"] == {"reasoning_tokens": 5}


def test_openai__answer_of_the_same_dialect__keeps_what_we_do_not_know() -> None:
    raw = {"id": "theirs", "model": "gpt", "system_fingerprint": "fp", "choices": [{"x": 1}]}
    body = render(ChatResponse("Hi", "stop", USAGE, raw=raw, raw_dialect="openai.chat"), HEAD)
    assert body == {**raw, "id": "chatcmpl-1", "model": "sim"}


def chunks(*events: StreamEvent) -> list[dict[str, Any]]:
    renderer = ChatChunks(HEAD, includes_usage=False)
    return [chunk for event in events for chunk in renderer.chunks(event)]


def test_openai__stream__begins_with_the_role_and_ends_with_the_reason() -> None:
    told = chunks(StreamEvent("He"), StreamEvent("llo"), StreamEvent(finish_reason="stop"))
    deltas = [chunk["choices"][0]["delta"] for chunk in told]
    assert deltas == [
        {"role": "assistant", "content": ""},
        {"content": "He"},
        {"content": "llo"},
        {},
    ]
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in told]
    assert reasons == [None, None, None, "stop"]
    assert {(chunk["id"], chunk["object"]) for chunk in told} == {
        ("chatcmpl-1", "chat.completion.chunk")
    }


def test_openai__chunks_of_the_same_dialect__pass_with_our_id_and_without_usage() -> None:
    raw = {"id": "x", "model": "gpt", "usage": {"a": 1}, "choices": [{"delta": {"odd": 1}}]}
    (told,) = chunks(StreamEvent("x", raw=raw, raw_dialect="openai.chat"))
    assert told == {"id": "chatcmpl-1", "model": "sim", "choices": [{"delta": {"odd": 1}}]}


def test_openai__usage_only_chunk_of_a_provider__is_held_back() -> None:
    raw = {"choices": [], "usage": {"total_tokens": 3}}
    assert chunks(StreamEvent(usage=USAGE, raw=raw, raw_dialect="openai.chat")) == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "server_error"),
        (503, "server_error"),
    ],
)
def test_e1__error_of_openai__has_all_four_keys_and_the_type_of_its_status(
    status: int, kind: str
) -> None:
    error = render_error(InvalidRequest("no", param="p"), status, "req_1")["error"]
    assert error == {"message": "no", "type": kind, "param": "p", "code": "invalid_request"}


def test_router__whole_body__is_read() -> None:
    body = router_chat.parse(
        {
            "messages": HELLO,
            "prompt_template": "greet",
            "variables": {"a": 1},
            "conversation_id": "new",
            "tags": ["x"],
            "max_output_tokens": 5,
        }
    )
    assert body.chat.model == "auto"
    assert (body.prompt_template, body.conversation_id, body.tags) == ("greet", "new", ("x",))
    assert (body.variables, body.chat.max_output_tokens) == ({"a": 1}, 5)


def test_router__template_alone__needs_no_messages() -> None:
    assert router_chat.parse({"prompt_template": "greet"}).chat.messages == ()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": [5]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"messages": HELLO, "modell": "x"}, "modell"),
        ({"messages": HELLO, "stream": True}, "stream"),
        ({"messages": HELLO, "model": "a\0"}, "model"),
        ({"messages": HELLO, "model": 1}, "model"),
        ({"messages": HELLO, "variables": []}, "variables"),
        ({"messages": HELLO, "tags": [1]}, "tags"),
        ({"messages": HELLO, "conversation_id": 5}, "conversation_id"),
        ({"messages": HELLO, "prompt_template": "x" * 121}, "prompt_template"),
        ({"messages": HELLO, "max_output_tokens": 0}, "max_output_tokens"),
        ({"messages": HELLO, "top_p": -0.1}, "top_p"),
    ],
)
def test_router__faulty_field__is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as told:
        router_chat.parse(body)
    assert told.value.param == param


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"a": NaN}'])
def test_body__that_is_no_json_object__is_refused(data: bytes) -> None:
    with pytest.raises(InvalidJson):
        read_object(data)


def test_event__with_line_breaks_in_its_text__stays_one_event() -> None:
    data = data_event({"text": "a\n\nb"})
    assert data.count(b"\n\n") == 1
    assert orjson.loads(data.removeprefix(b"data: ")) == {"text": "a\n\nb"}
