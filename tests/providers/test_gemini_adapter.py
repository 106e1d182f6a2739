"""Gemini's adapter over a real socket, against a provider that refuses what the real one would."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from apps.core.chat import ChatRequest, Message, StreamEvent, ToolCall
from apps.providers.adapters import sdk
from apps.providers.adapters.base import AttemptError, Connection, ProviderCall
from apps.providers.adapters.google.signatures import NOT_SIGNED
from apps.providers.adapters.registry import adapter_for
from apps.providers.wire_servers.gemini.generate import SIGNED, SIGNED_TEXT
from apps.providers.wire_servers.scripts import TEXT, THOUGHT, Script, signature_of
from tests.providers.gemini_calls import (
    CLOCK,
    HELLO,
    NEW,
    OLD,
    PNG_URL,
    WEATHER,
    Gemini,
    make_call,
    result,
    running_gemini,
)
from tests.providers.upstream import Upstream
from tests.providers.wires import Script as UpstreamScript

MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
MODELS = pytest.mark.parametrize("model", [NEW, OLD])
TOOLS = [WEATHER, CLOCK]
IMAGE = {"type": "image_url", "image_url": {"url": PNG_URL}}


@pytest.fixture
def gemini() -> Iterator[Gemini]:
    with running_gemini() as gemini:
        yield gemini


async def asked_of(call: ProviderCall, *, is_streamed: bool) -> list[StreamEvent]:
    if is_streamed:
        return [event async for event in adapter_for("google").stream(call)]
    await adapter_for("google").complete(call)
    return []


def passed(gemini: Gemini, body: dict[str, Any], **options: Any) -> ProviderCall:
    """Return the call of a caller that speaks Gemini's dialect."""
    request = ChatRequest("auto", (Message("user", "hi"),), "gemini", raw=body)
    return replace(gemini.call(**options), request=request)


# --- OpenAI's dialect in --------------------------------------------------------------------------


@MODELS
async def test_og13_ag2__tool_loop__whole_and_streamed_says_the_same_and_goes_on(
    gemini: Gemini, model: str
) -> None:
    whole = await gemini.whole("thinking_tools", model=model, tools=TOOLS)
    events = await gemini.events("thinking_tools", model=model, tools=TOOLS)
    calls = [part for part in whole.parts if isinstance(part, ToolCall)]
    deltas = [event.tool_call for event in events if event.tool_call]
    assert [(call.name, call.arguments) for call in calls] == [
        (delta.name, delta.arguments) for delta in deltas
    ]
    assert [delta.signature for delta in deltas] == [signature_of(SIGNED), ""]
    assert [event.finish_reason for event in events if event.finish_reason] == ["tool_calls"]
    assert "".join(event.thinking for event in events) == THOUGHT
    records = [
        {
            "id": delta.id,
            "function": {"name": delta.name, "arguments": delta.arguments},
            "extra_content": {delta.origin: {"thought_signature": delta.signature}},
        }
        for delta in deltas
    ]
    history = [
        HELLO,
        {"role": "assistant", "content": None, "tool_calls": records},
        *(result(delta.id) for delta in reversed(deltas)),
    ]
    last = await gemini.whole(model=model, tools=TOOLS, messages=history)
    assert (last.text, last.finish_reason) == (TEXT, "stop")
    assert gemini.sent()["contents"][1]["parts"][0]["thoughtSignature"] == signature_of(SIGNED)
    for record in records:
        del record["extra_content"]
    await gemini.whole(model=model, tools=TOOLS, messages=history)
    mark = gemini.sent()["contents"][1]["parts"][0].get("thoughtSignature")
    assert mark == (NOT_SIGNED if model == NEW else None)


async def test_og10__signature_of_a_text__comes_beside_it_and_is_taken_back(
    gemini: Gemini,
) -> None:
    events = await gemini.events("thinking", model=NEW, reasoning_effort="low")
    *_, signature = [event.thought for event in events if event.thought]
    assert signature is not None
    assert signature.signature == signature_of(SIGNED_TEXT)
    blocks = [{"type": "thinking", "signature": signature.signature, "origin": "google"}]
    turn = {"role": "assistant", "content": TEXT, "thinking_blocks": blocks}
    await gemini.whole(model=NEW, messages=[HELLO, turn, HELLO])
    expected = {"text": TEXT, "thoughtSignature": signature.signature}
    assert gemini.sent()["contents"][1]["parts"] == [expected]


@MODELS
@MODES
async def test_request__with_all_that_the_wire_carries__is_taken_by_the_provider(
    gemini: Gemini, model: str, is_streamed: bool
) -> None:
    schema = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    call = gemini.call(
        model=model,
        messages=[{"role": "system", "content": "x"}, {"role": "user", "content": [IMAGE]}],
        tools=TOOLS,
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
        reasoning_effort="high",
        temperature=2,
        stop=["a", "b", "c", "d", "e"],
        max_tokens=9_000,
        seed=-5,
        logprobs=True,
        top_logprobs=2,
        presence_penalty=2,
    )
    events = await asked_of(call, is_streamed=is_streamed)
    assert gemini.server.received[-1].refusal == ""
    assert not any(event.dropped for event in events[1:]), "told once, with the first event"
    if is_streamed:
        assert events[0].dropped == ("presence_penalty",)
        assert any(event.logprobs for event in events)


async def test_og12__blocked_and_empty_answers__are_answers(gemini: Gemini) -> None:
    for script, reason in (("blocked", "content_filter"), ("nothing_but_thought", "length")):
        whole = await gemini.whole(script)
        assert (whole.text, whole.finish_reason) == ("", reason)
        events = await gemini.events(script)
        assert [event.finish_reason for event in events] == [reason]


@MODES
async def test_og11__malformed_call__is_an_error_for_another_try(
    gemini: Gemini, is_streamed: bool
) -> None:
    gemini.server.plan("malformed_call")
    with pytest.raises(AttemptError, match="MALFORMED_FUNCTION_CALL") as told:
        await asked_of(gemini.call(), is_streamed=is_streamed)
    assert told.value.kind == "unavailable"


# --- Gemini's dialect in --------------------------------------------------------------------------


@MODES
async def test_gi__body_of_the_same_dialect__passes_with_model_and_limit_changed_only(
    gemini: Gemini, is_streamed: bool
) -> None:
    body = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "generation_config": {"candidate_count": 1, "max_output_tokens": 900},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
        "tools": [{"googleSearch": {}}],
        "model": "models/auto",
    }
    await asked_of(passed(gemini, body, limit=50), is_streamed=is_streamed)
    expected = {
        **body,
        "model": f"models/{NEW}",
        "generation_config": {"candidate_count": 1, "max_output_tokens": 50},
    }
    assert gemini.sent() == expected
    assert body["model"] == "models/auto", "the caller's body stays as it was"
    del body["generation_config"], body["model"]
    await asked_of(passed(gemini, body, limit=50), is_streamed=is_streamed)
    assert gemini.sent() == {**body, "generationConfig": {"maxOutputTokens": 50}}


async def test_gi__answer_in_the_same_dialect__is_given_raw_and_neutral(gemini: Gemini) -> None:
    body = {"contents": [{"parts": [{"text": "hi"}]}], "tools": [{"googleSearch": {}}]}
    gemini.server.plan("thinking_tools", "thinking_tools")
    whole = await adapter_for("google").complete(passed(gemini, body))
    assert (whole.raw_dialect, whole.finish_reason) == ("gemini", "tool_calls")
    assert whole.raw["modelVersion"] == NEW
    assert len([part for part in whole.parts if isinstance(part, ToolCall)]) == 2
    events = await asked_of(passed(gemini, body), is_streamed=True)
    assert {event.raw_dialect for event in events} == {"gemini"}
    assert all(event.raw is not None for event in events), "empty: passed with the event before"
    chunks = [event.raw for event in events if event.raw]
    assert all("candidates" in chunk for chunk in chunks)
    parts = [part for each in chunks for part in each["candidates"][0]["content"]["parts"]]
    assert len([part for part in parts if "functionCall" in part]) == 2, "each chunk once"
    assert len([event for event in events if event.tool_call]) == 2
    assert events[-1].finish_reason == "tool_calls"
    assert events[-1].usage is not None


@pytest.mark.parametrize(
    ("call", "mark"),
    [
        ({"functionCall": {"name": "f"}}, NOT_SIGNED),
        ({"function_call": {"name": "f"}, "thought_signature": None}, NOT_SIGNED),
        ({"functionCall": {"name": "f"}, "thoughtSignature": signature_of(SIGNED)}, ""),
    ],
)
async def test_gi_x1__calls_of_another_provider__are_marked_where_gemini_wants_a_signature(
    gemini: Gemini, call: dict[str, Any], mark: str
) -> None:
    response = {"functionResponse": {"name": "f", "response": {}}}
    question = {"parts": [{"text": "hi"}]}
    body = {
        "contents": [
            question,
            {"role": "model", "parts": [{"text": "Well."}, call, {"functionCall": {"name": "f"}}]},
            {"parts": [response, response]},
        ]
    }
    await asked_of(passed(gemini, body), is_streamed=False)
    parts = gemini.sent()["contents"][1]["parts"]
    assert parts[0] == {"text": "Well."}
    assert parts[1]["thoughtSignature"] == mark or parts[1] == call
    assert "thoughtSignature" not in parts[2]
    await asked_of(passed(gemini, body, model=OLD), is_streamed=False)
    assert gemini.sent() == body, "older models ask for none"


async def test_gi__reason_that_spoils_an_answer__is_the_callers_to_read(gemini: Gemini) -> None:
    gemini.server.plan("malformed_call")
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    whole = await adapter_for("google").complete(passed(gemini, body))
    assert whole.raw["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"


async def test_other_dialects__get_nothing_raw(gemini: Gemini) -> None:
    whole = await gemini.whole()
    assert (whole.raw, whole.raw_dialect) == ({}, None)
    assert all(event.raw is None for event in await gemini.events())


# --- OG16: errors ---------------------------------------------------------------------------------


@MODES
async def test_og16__limit__says_when_to_come_back(gemini: Gemini, is_streamed: bool) -> None:
    gemini.server.plan(Script(status=429))
    with pytest.raises(AttemptError) as told:
        await asked_of(gemini.call(), is_streamed=is_streamed)
    assert (told.value.kind, told.value.provider_code) == ("rate_limited", "RESOURCE_EXHAUSTED")
    assert told.value.retry_after_seconds == 1


@MODES
async def test_og16__wrong_key__is_the_providers_credential(
    gemini: Gemini, is_streamed: bool
) -> None:
    call = gemini.call()
    connection = Connection("google", call.connection.base_url, NEW, "another-secret")
    with pytest.raises(AttemptError) as told:
        await asked_of(replace(call, connection=connection), is_streamed=is_streamed)
    assert (told.value.kind, told.value.http_status) == ("credential", 400)
    assert "another-secret" not in told.value.message


@MODES
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'[{"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}]', "", 503),
        (b'{"error": "busy"}', "unavailable", 503),
        (
            b'{"error": {"code": 400, "message": "m", "status": "FAILED_PRECONDITION"}}',
            "credential",
            400,
        ),
        (
            b'{"error": {"code": 400, "message": "The input token count (9) exceeds the limit"}}',
            "context_length",
            400,
        ),
    ],
)
async def test_og16__error_in_any_envelope__is_typed_and_told(
    gemini: Gemini, body: bytes, kind: str, status: int, is_streamed: bool
) -> None:
    gemini.server.plan(Script(status=status, body=body))
    with pytest.raises(AttemptError) as told:
        await asked_of(gemini.call(), is_streamed=is_streamed)
    assert (told.value.kind, told.value.http_status) == (kind or "unavailable", status)
    assert "busy" in told.value.message or kind


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (b'[{"error": {"code": 429, "message": "b", "status": "RESOURCE_EXHAUSTED"}}]', ""),
        (b'{"error": {"message": "busy"}}', "unavailable"),
        (b'{"error": "busy"}', "unavailable"),
        (b'{"x": 1, "error": {"code": 503, "message": "busy"}}', "unavailable"),
        (b"[]", "unavailable"),
        (b'"busy"', "unavailable"),
    ],
)
async def test_og16__error_inside_a_stream__is_typed_in_any_envelope_and_cuts_what_was_begun(
    upstream: Upstream, event: bytes, kind: str
) -> None:
    for begun in (0, 1):
        upstream.script = UpstreamScript(error_after=begun, rubbish=b"data: " + event + b"\n\n")
        with pytest.raises(AttemptError) as told:
            await asked_of(make_call(url=upstream.url), is_streamed=True)
        assert told.value.kind == ("cut" if begun else kind or "rate_limited")


async def test_connecting__server_that_does_not_accept__is_given_up_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sdk, "CONNECT_SECONDS", 0.2)
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            # They fill the queue: nobody else is let in.
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        call = make_call(url=f"http://127.0.0.1:{full.getsockname()[1]}")
        # Not "nothing came for 10 s", the limit of the whole answer.
        with pytest.raises(AttemptError, match="connection") as told:
            await asked_of(call, is_streamed=False)
    assert told.value.kind == "unavailable"


async def test_og15__stream__has_one_id_and_no_event_of_nothing(gemini: Gemini) -> None:
    whole = await gemini.whole("thinking")
    assert whole.upstream_id
    events = await gemini.events("thinking")
    assert all(event != StreamEvent() for event in events)
