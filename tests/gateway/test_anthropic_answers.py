"""Neutral answers in Anthropic's dialect, judged by its own client. AO11 to AO18, AG1, AG2."""

import itertools
from collections.abc import Sequence
from typing import Any, cast

import orjson
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message as SdkMessage
from anthropic.types import RawMessageStreamEvent

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
from apps.gateway.wire.rendering import AnswerHead

TOKEN = "0193f0aa1122733344445555666677778888"[:32]
HEAD = AnswerHead(TOKEN, "gpt-4o", "my-alias", 7)
USAGE = TokenUsage(28, 7, cached_input_tokens=5, cache_write_tokens=3, reasoning_tokens=2)
COUNTS = {
    "input_tokens": 20,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 5,
    "output_tokens": 7,
    "output_tokens_details": {"thinking_tokens": 2},
}
SIGNED = Thinking("Hm.", "c2ln", origin="gemini")


def whole(*parts: AnswerPart, reason: FinishReason = "stop", **options: Any) -> dict[str, Any]:
    said = "".join(part.text for part in parts if isinstance(part, Text))
    body = render(ChatResponse(said, reason, USAGE, parts=parts), HEAD, **options)
    SdkMessage.model_validate(body, strict=True)
    return body


def events(*given: StreamEvent, usage: TokenUsage | None = USAGE, **options: Any) -> list[Any]:
    """Return the data of the events of a stream that came to its end."""
    renderer = MessageEvents(HEAD, **options)
    sent = b"".join((*map(renderer.render, given), renderer.end(usage)))
    return [event for _name, event in read_events(sent)]


def read_events(sent: bytes) -> list[tuple[str, Any]]:
    found = []
    for one in sent.decode().split("\n\n")[:-1]:
        name, data = one.split("\n")
        found.append((name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))))
    return found


def accumulated(given: Sequence[Any]) -> Any:
    """Return the message that the official client makes of the events."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in given:
        if event["type"] != "ping":
            snapshot = accumulate_event(
                event=cast("RawMessageStreamEvent", event),
                current_snapshot=snapshot,
                json_bufs=buffers,
            )
    return snapshot.to_dict()


def check_grammar(given: Sequence[Any]) -> None:
    """Hold that blocks never overlap, are numbered without gaps, and that the frame is right."""
    kinds = [event["type"] for event in given if event["type"] != "ping"]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert [kinds.count(kind) for kind in ("message_start", "message_delta")] == [1, 1]
    is_open, last = False, -1
    for event in given:
        match event["type"]:
            case "content_block_start":
                assert not is_open
                assert event["index"] == last + 1
                is_open, last = True, last + 1
            case "content_block_delta":
                assert is_open
                assert event["index"] == last
            case "content_block_stop":
                assert is_open
                assert event["index"] == last
                is_open = False
    assert not is_open


def answered(*given: StreamEvent, **options: Any) -> Any:
    """Return the message of a stream whose grammar is right."""
    found = events(*given, **options)
    check_grammar(found)
    return accumulated(found)


def piece(index: int, arguments: str = "", call_id: str = "", name: str = "") -> StreamEvent:
    return StreamEvent(tool_call=ToolCallDelta(index, call_id, name, arguments))


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
    response = ChatResponse("", "stop", USAGE, raw=raw, raw_dialect="anthropic")
    assert render(response, HEAD) == {**raw, "id": f"msg_{TOKEN}", "model": "my-alias"}


# --- Streamed -------------------------------------------------------------------------------------


def test_ao11__stream__is_start_blocks_delta_stop() -> None:
    found = events(
        StreamEvent(thinking="H"),
        StreamEvent(thinking="m."),
        StreamEvent(thought=SIGNED),
        StreamEvent("Let me "),
        StreamEvent("see."),
        piece(0, "", "t1", "clock"),
        piece(0, '{"a"'),
        piece(0, ":1}"),
        StreamEvent(finish_reason="tool_calls"),
    )
    check_grammar(found)
    assert found[0]["message"]["content"] == []
    assert found[0]["message"]["stop_reason"] is None
    assert found[0]["message"]["usage"]["input_tokens"] == 0
    assert found[1] == {"type": "ping"}
    message = accumulated(found)
    assert message["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "gemini:c2ln"},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "t1", "name": "clock", "input": {"a": 1}},
    ]
    assert (message["id"], message["model"]) == (f"msg_{TOKEN}", "my-alias")
    assert message["stop_reason"] == "tool_use"


def test_t5__each_event__has_its_name_in_a_line_of_its_own() -> None:
    sent = MessageEvents(HEAD).render(StreamEvent("Hi"))
    assert all(name == event["type"] for name, event in read_events(sent))


def test_ao11__answer_that_begins_with_a_tool__has_no_empty_text_before_it() -> None:
    for spaces in ("", "\n\n"):
        message = answered(
            StreamEvent(spaces), piece(0, "{}", "t1", "clock"), StreamEvent(finish_reason="stop")
        )
        assert [block["type"] for block in message["content"]] == ["tool_use"]


def test_ao11__spaces_before_words__are_kept() -> None:
    message = answered(StreamEvent("\n"), StreamEvent(" Hi"), StreamEvent(finish_reason="stop"))
    assert message["content"] == [{"type": "text", "text": "\n Hi"}]


def test_ao11__empty_answer__is_still_a_message() -> None:
    assert answered(StreamEvent(finish_reason="content_filter"))["content"] == []


def test_ao12__tool_without_arguments__is_told_an_empty_object() -> None:
    found = events(piece(0, "", "t1", "clock"), StreamEvent(finish_reason="tool_calls"))
    deltas = [event["delta"] for event in found if event["type"] == "content_block_delta"]
    assert deltas == [{"type": "input_json_delta", "partial_json": "{}"}]


def test_ao13__text_and_call_in_one_event__lose_neither() -> None:
    both = StreamEvent("See:", tool_call=ToolCallDelta(0, "t1", "clock", '{"a":1}'))
    message = answered(both, StreamEvent(" done", finish_reason="tool_calls"))
    assert [block.get("text") or block.get("input") for block in message["content"]] == [
        "See:",
        {"a": 1},
        " done",
    ]


ARGUMENTS = ('{"n":0,"s":"a}b"}', '{"n":1}', "{}")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_ao13_ag2__parallel_calls__have_a_block_each_in_any_order_of_pieces(
    order: tuple[int, ...],
) -> None:
    """As some servers send them: all begun first, then their arguments in turns."""
    begun = [piece(index, "", f"t{index}", "clock") for index in range(3)]
    cut = [[one[: len(one) // 2], one[len(one) // 2 :]] for one in ARGUMENTS]
    rest = [piece(index, cut[index][half]) for half in range(2) for index in order]
    message = answered(*begun, *rest, StreamEvent(finish_reason="tool_calls"))
    assert [block["id"] for block in message["content"]] == ["t0", "t1", "t2"]
    assert [block["input"] for block in message["content"]] == [*map(orjson.loads, ARGUMENTS)]


def test_ao13__calls_with_all_their_arguments_at_once__are_told_at_once() -> None:
    renderer = MessageEvents(HEAD)
    first = renderer.steps(piece(0, '{"n":0}', "t0", "clock"))
    second = renderer.steps(piece(1, '{"n":1}', "t1", "clock"))
    for steps, arguments in ((first, '{"n":0}'), (second, '{"n":1}')):
        assert arguments in str(steps)


def test_ao13__words_amid_the_arguments__come_after_them() -> None:
    message = answered(
        piece(0, '{"a":', "t1", "clock"),
        StreamEvent("By the way."),
        StreamEvent(thinking="Hm."),
        piece(0, "1}"),
        StreamEvent(finish_reason="tool_calls"),
    )
    assert [block["type"] for block in message["content"]] == ["tool_use", "text"]
    assert message["content"][0]["input"] == {"a": 1}


def test_ag1__signature_of_a_call__comes_as_a_thought_before_it() -> None:
    signed = ToolCallDelta(0, "t1", "clock", '{"a":1}', signature="c2ln", origin="gemini")
    message = answered(StreamEvent(tool_call=signed), StreamEvent(finish_reason="tool_calls"))
    assert message["content"][0] == {
        "type": "thinking",
        "thinking": "",
        "signature": "gemini:call:c2ln",
    }
    assert message["content"][1]["input"] == {"a": 1}


def test_thoughts__whole_hidden_unsigned_or_signed_late__are_told_once() -> None:
    message = answered(
        StreamEvent(thought=Thinking(redacted="b3A=", origin="openai")),
        StreamEvent(thought=SIGNED),
        StreamEvent(thinking="Unsigned."),
        StreamEvent("So."),
        StreamEvent(thought=Thinking("Unsigned.", "bGF0ZQ==", origin="gemini")),
        StreamEvent(thinking="Open."),
        StreamEvent(thought=Thinking(redacted="b3A=", origin="openai")),
        StreamEvent(finish_reason="stop"),
    )
    assert message["content"] == [
        {"type": "redacted_thinking", "data": "openai:b3A="},
        {"type": "thinking", "thinking": "Hm.", "signature": "gemini:c2ln"},
        {"type": "thinking", "thinking": "Unsigned.", "signature": ""},
        {"type": "text", "text": "So."},
        {"type": "thinking", "thinking": "", "signature": "gemini:bGF0ZQ=="},
        {"type": "thinking", "thinking": "Open.", "signature": ""},
        {"type": "redacted_thinking", "data": "openai:b3A="},
    ]


def test_thoughts__hidden_in_a_stream__are_pings_until_a_call_needs_them() -> None:
    hidden: dict[str, Any] = {"shows_thoughts": False}
    thoughts = (StreamEvent(thinking="Hm."), StreamEvent(thought=SIGNED))
    found = events(*thoughts, StreamEvent("So.", finish_reason="stop"), **hidden)
    assert [event["type"] for event in found].count("ping") == 2
    assert [block["type"] for block in accumulated(found)["content"]] == ["text"]
    called = (piece(0, "{}", "t1", "clock"), StreamEvent(finish_reason="tool_calls"))
    message = answered(*thoughts, StreamEvent(thinking="More."), *called, **hidden)
    assert [block.get("thinking") for block in message["content"]] == ["Hm.", "More.", None]


def test_ao15__usage_of_the_end__is_the_one_that_holds() -> None:
    found = events(StreamEvent("x", "stop"), StreamEvent(usage=USAGE))
    assert found[-2]["usage"] == COUNTS
    assert accumulated(found)["usage"] == COUNTS
    unknown = events(StreamEvent("x", "stop"), usage=None)[-2]["usage"]
    assert set(unknown.values()) == {0}


def test_ao11__what_follows_the_reason__is_not_told() -> None:
    message = answered(StreamEvent("x", "stop"), StreamEvent("late"))
    assert message["content"] == [{"type": "text", "text": "x"}]


def raw_event(kind: str, **fields: Any) -> StreamEvent:
    return StreamEvent(raw={"type": kind, **fields}, raw_dialect="anthropic")


def test_aa1_aa3__events_of_the_same_dialect__keep_all_but_id_and_model() -> None:
    usage = {"input_tokens": 3, "output_tokens": 1}
    message = {"id": "msg_1", "model": "claude", "usage": usage, "new": 1}
    given = (
        raw_event("message_start", message=message),
        raw_event("ping"),
        raw_event("of_tomorrow", index=0, x={"b": 1, "a": 2}),
        raw_event("message_delta", delta={"stop_reason": "pause_turn"}, usage=usage),
        raw_event("message_stop"),
    )
    found = events(*given)
    ours = {"id": f"msg_{TOKEN}", "model": "my-alias"}
    assert found[0] == {"type": "message_start", "message": {**message, **ours}}
    assert found[1:] == [event.raw for event in given[1:]]


def test_ao15__events_of_a_server_that_counts_nothing__have_zeros() -> None:
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    given = (
        raw_event("message_start", message={"id": "1", "type": "message", "content": []}),
        StreamEvent(usage=USAGE),
        raw_event("message_delta", delta=delta),
    )
    found = events(*given)
    assert [event["type"] for event in found] == ["message_start", "message_delta", "message_stop"]
    assert accumulated(found)["usage"]["output_tokens"] == 0


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
