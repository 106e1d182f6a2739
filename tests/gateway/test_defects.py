"""What a defect, or a body made to cause one, must not leave behind."""

from collections.abc import AsyncIterator
from typing import Any, override

import pytest

from apps.core.chat import ChatResponse, Dialect, StreamEvent, TokenUsage, ToolCall, Turn
from apps.core.errors import InvalidJson, InvalidRequest
from apps.gateway import dispatch, thought_store
from apps.gateway.cache import can_serve, is_cacheable
from apps.gateway.health_board import board
from apps.gateway.plain_answers import is_plain
from apps.gateway.refusals import failure_of
from apps.gateway.wire.fields import DEEPEST, read_object
from apps.gateway.wire.model_lists import ANTHROPIC
from apps.providers.adapters.base import AttemptError, FailureKind, ProviderAdapter, ProviderCall
from tests.factories.keys import make_caller
from tests.gateway.runs import admit_everything, make_run

USAGE = TokenUsage(1, 1)


class Broken(ProviderAdapter):
    """Has a defect."""

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        raise TypeError("a defect")

    @override
    def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        raise TypeError("a defect")


@pytest.mark.parametrize("is_stream", [False, True])
async def test_defect_of_an_adapter__ends_the_attempt_for_books_and_health(
    is_stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit_everything(monkeypatch)
    board.clear()
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: Broken())
    run = make_run("one")
    with pytest.raises(TypeError):
        await (dispatch.open_stream(run) if is_stream else dispatch.complete(run))
    assert [attempt.status for attempt in run.attempts] == ["cancelled"]
    states = board.own().deployments.values()
    assert [(state.in_flight, dict(state.waiting)) for state in states] == [(0, {})]


@pytest.mark.parametrize(("depth", "is_taken"), [(DEEPEST - 1, True), (260, False), (900, False)])
def test_body__nested_deeper_than_can_be_written_again__is_refused(
    depth: int, is_taken: bool
) -> None:
    body = b'{"a": ' + b"[" * depth + b"]" * depth + b"}"
    if is_taken:
        assert read_object(body)
        return
    with pytest.raises(InvalidJson, match="nested"):
        read_object(body)


def test_body__of_many_small_objects__is_taken() -> None:
    assert len(read_object(b'{"a": [' + b",".join([b"{}"] * 5_000) + b"]}")["a"]) == 5_000


@pytest.mark.parametrize("arguments", ["[" * 20_000, '{"a": ' * 5_000, "no json", ""])
async def test_arguments__that_nobody_can_read__are_no_defect_of_the_thought_store(
    arguments: str, event_loop_clients: None
) -> None:
    call = ToolCall("t1", "weather", arguments, signature="s", origin="google")
    caller = make_caller()
    await thought_store.keep(caller, ChatResponse("", "tool_calls", USAGE, parts=(call,)))
    plain = Turn("assistant", (ToolCall("t1", "weather", arguments),))
    ((kept,),) = (await thought_store.recall(caller, [plain])).values()
    assert isinstance(kept, ToolCall)
    assert (kept.id, kept.signature, kept.origin) == ("t1", "s", "google")


@pytest.mark.parametrize(
    ("dialect", "raw", "expected"),
    [
        ("openai.chat", {"choices": [{"message": {"role": "assistant", "content": "x"}}]}, True),
        ("openai.chat", {"choices": [{"delta": {"content": "x"}}]}, True),
        ("openai.chat", {"choices": [], "usage": {}}, True),
        ("openai.chat", {"choices": [{"delta": {"audio": {"data": "x"}}}]}, False),
        ("openai.chat", {"choices": [{"message": {"annotations": [1]}}]}, False),
        ("anthropic", {"type": "message", "content": [{"type": "text", "text": "x"}]}, True),
        ("anthropic", {"type": "message", "content": [{"type": "text", "citations": [1]}]}, False),
        ("anthropic", {"type": "message", "content": [{"type": "server_tool_use"}]}, False),
        ("anthropic", {"type": "content_block_delta", "delta": {"type": "text_delta"}}, True),
        ("anthropic", {"type": "content_block_delta", "delta": {"type": "of_tomorrow"}}, False),
        ("anthropic", {"type": "of_tomorrow"}, False),
        ("gemini", {"candidates": [{"content": {"parts": [{"text": "x"}]}}]}, True),
        ("gemini", {"candidates": [{"content": {"parts": [{"inlineData": {"a": 1}}]}}]}, False),
        ("gemini", {"candidates": [{"groundingMetadata": {"a": 1}}]}, False),
        (None, {}, True),
    ],
)
def test_e7__answer_that_only_its_own_dialect_can_say__is_told_apart(
    dialect: Dialect | None, raw: dict[str, Any], expected: bool
) -> None:
    assert is_plain(dialect, raw) is expected
    answer = ChatResponse("x", "stop", USAGE, raw=raw, raw_dialect=dialect)
    streamed = make_run("one", chat={"stream": True})
    assert can_serve(streamed, answer) is expected
    assert can_serve(make_run("one"), answer)


def test_e7__answer_that_says_nothing__is_not_kept() -> None:
    assert not is_cacheable(ChatResponse("", "stop", USAGE))


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        (("rate_limited", "not_expressible"), "provider_rate_limited"),
        (("unavailable", "context_length"), "provider_failed"),
        (("context_length", "not_expressible"), "invalid_request"),
        (("not_expressible", "rate_limited"), "provider_rate_limited"),
        (("not_expressible", "rejected"), "provider_rejected_request"),
    ],
)
def test_failure__of_who_had_no_room__does_not_hide_who_may_be_asked_again(
    kinds: tuple[FailureKind, ...], code: str
) -> None:
    errors = [AttemptError(kind, "no", retry_after_seconds=1.0) for kind in kinds]
    assert failure_of(errors).code == code


@pytest.mark.parametrize("size", ["1" * 5_000, "-1", "x", "0"])
def test_page__of_a_size_that_is_none__is_named(size: str) -> None:
    with pytest.raises(InvalidRequest) as told:
        ANTHROPIC.render_all([], {"limit": size})
    assert told.value.param == "limit"
