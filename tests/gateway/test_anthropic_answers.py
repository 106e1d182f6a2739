"""Neutral answers and errors in Anthropic's dialect. AO12, AO14, AO16, AO18, AG1."""

from typing import Any

import pytest

from apps.core.chat import (
    ChatResponse,
    FinishReason,
    StreamEvent,
    Text,
    Thinking,
    ToolCall,
)
from apps.core.errors import (
    AccessDenied,
    AuthenticationFailed,
    BudgetExceeded,
    Conflict,
    DeadlineExceeded,
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    NoEligibleDeployment,
    PayloadTooLarge,
    ProviderFailed,
    ProviderOverloaded,
    RateLimited,
    RouterError,
    ServiceUnavailable,
)
from apps.gateway.wire.anthropic.answers import render
from apps.gateway.wire.anthropic.errors import render_error, status_of
from apps.gateway.wire.anthropic.request import parse
from apps.gateway.wire.anthropic.stream import MessageEvents
from tests.gateway.anthropic_events import (
    COUNTS,
    HEAD,
    SIGNED,
    TOKEN,
    USAGE,
    events,
    read_events,
    whole,
)

# --- Whole ----------------------------------------------------------------------------------------


def test_ao18__message__has_its_own_id_and_echoes_the_requested_model() -> None:
    body = whole(Text("Hello"))
    assert (body["id"], body["model"], body["role"]) == (f"msg_{TOKEN}", "my-alias", "assistant")
    assert body["content"] == [{"type": "text", "text": "Hello"}]
    assert body["usage"] == COUNTS


def test_whole__text_alone__needs_no_parts() -> None:
    body = render(ChatResponse("Hello", "stop", USAGE), HEAD)
    assert body["content"] == [{"type": "text", "text": "Hello"}]
    assert render(ChatResponse("", "content_filter", USAGE), HEAD)["content"] == []


@pytest.mark.parametrize(
    ("reason", "sequence", "expected"),
    [
        ("stop", "", ("end_turn", None)),
        ("stop", "END", ("stop_sequence", "END")),
        ("length", "", ("max_tokens", None)),
        ("tool_calls", "", ("tool_use", None)),
        ("content_filter", "", ("refusal", None)),
    ],
)
def test_ao14__reason__is_anthropics(
    reason: FinishReason, sequence: str, expected: tuple[str, str | None]
) -> None:
    body = render(ChatResponse("x", reason, USAGE, stop_sequence=sequence), HEAD)
    assert (body["stop_reason"], body["stop_sequence"]) == expected
    last = events(StreamEvent("x", reason, stop_sequence=sequence))[-2]
    assert (last["delta"]["stop_reason"], last["delta"]["stop_sequence"]) == expected


def test_ao4__thoughts__bear_the_name_of_who_can_read_them() -> None:
    parts = (
        SIGNED,
        Thinking(redacted="b3A=", origin="openai"),
        Thinking("Own.", "b3du", origin="anthropic"),
        Thinking("Unsigned."),
        Text("So."),
    )
    assert whole(*parts)["content"][:-1] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "gemini:c2ln"},
        {"type": "redacted_thinking", "data": "openai:b3A="},
        {"type": "thinking", "thinking": "Own.", "signature": "b3du"},
        {"type": "thinking", "thinking": "Unsigned.", "signature": ""},
    ]


def test_ao4_ag1__what_a_client_sends_back__is_what_the_provider_had_said() -> None:
    parts = (SIGNED, Text("So."), ToolCall("t1", "clock", '{"a":1}', "c2ln", "gemini"))
    content = whole(*parts, reason="tool_calls")["content"]
    messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": content}]
    chat = parse({"model": "m", "max_tokens": 1, "messages": messages})
    assert chat.details().turns[1].parts == parts


def test_thoughts__that_nobody_asked_for__come_only_with_calls() -> None:
    hidden: dict[str, Any] = {"shows_thoughts": False}
    assert whole(SIGNED, Text("So."), **hidden)["content"] == [{"type": "text", "text": "So."}]
    calling = whole(SIGNED, ToolCall("t1", "clock", "{}"), reason="tool_calls", **hidden)
    assert [block["type"] for block in calling["content"]] == ["thinking", "tool_use"]


def test_ao18__tool_ids__are_legal_and_new_in_their_conversation() -> None:
    calls = [ToolCall(name, "clock", "") for name in ("call.1", "call_2", "call_2", "call_3", "")]
    body = whole(*calls, reason="tool_calls", taken_ids=("call_3",))
    ids = [block["id"] for block in body["content"]]
    assert len({*ids, "call_3"}) == len(ids) + 1
    assert ids[1] == "call_2"
    assert all(name.replace("_", "").isalnum() and len(name) <= 40 for name in ids)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}),
        (" ", {}),
        ('{"a": 1}', {"a": 1}),
        ('{"a": ', {"invalid_arguments": '{"a": '}),
        ("[1]", {"invalid_arguments": "[1]"}),
    ],
)
def test_ao12__arguments__are_never_lost(arguments: str, expected: Any) -> None:
    body = whole(ToolCall("t1", "clock", arguments), reason="tool_calls")
    assert body["content"][0]["input"] == expected


def test_aa1__message_of_the_same_dialect__keeps_all_but_id_and_model() -> None:
    raw = {"id": "msg_1", "model": "claude", "content": [{"type": "of_tomorrow"}], "new": 1}
    ours = {"id": f"msg_{TOKEN}", "model": "my-alias"}
    for usage in ({"input_tokens": 1}, None):
        given = {**raw, "usage": usage} if usage else raw
        response = ChatResponse("", "stop", USAGE, raw=given, raw_dialect="anthropic")
        assert render(response, HEAD) == {**raw, **ours, "usage": usage or COUNTS}


# --- Errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (InvalidRequest("x"), 400, "invalid_request_error"),
        (NoEligibleDeployment("x"), 400, "invalid_request_error"),
        (AuthenticationFailed("x"), 401, "authentication_error"),
        (BudgetExceeded("x"), 402, "billing_error"),
        (AccessDenied("x"), 403, "permission_error"),
        (ModelNotFound("x"), 404, "not_found_error"),
        (MethodNotAllowed("x"), 405, "invalid_request_error"),
        (Conflict("x"), 409, "invalid_request_error"),
        (PayloadTooLarge("x"), 413, "request_too_large"),
        (RateLimited("x"), 429, "rate_limit_error"),
        (RouterError("x"), 500, "api_error"),
        (ProviderFailed("x"), 502, "api_error"),
        (ServiceUnavailable("x"), 503, "api_error"),
        (DeadlineExceeded("x"), 504, "timeout_error"),
        (ProviderOverloaded("x"), 529, "overloaded_error"),
    ],
)
def test_ao16__error__has_status_type_and_the_id_of_its_request(
    error: RouterError, status: int, kind: str
) -> None:
    assert status_of(error) == status
    assert render_error(error, status, "req_1") == {
        "type": "error",
        "error": {"type": kind, "message": "x"},
        "request_id": "req_1",
    }


def test_ao16__field_at_fault__is_named_in_the_message() -> None:
    body = render_error(InvalidRequest("wrong", param="messages[0]"), 400, "")
    assert body["error"]["message"] == "messages[0]: wrong"


def test_ao17__stream_that_broke__ends_with_an_error_event() -> None:
    renderer = MessageEvents(HEAD)
    renderer.render(StreamEvent("x"))
    ((name, event),) = read_events(renderer.error(ProviderOverloaded("full")))
    assert name == "error"
    assert event["error"] == {"type": "overloaded_error", "message": "full"}
    assert event["request_id"] == f"req_{TOKEN}"
