"""What a provider cannot take: told where it is left out, refused where the route says so."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import override

import pytest

from apps.core.chat import ChatResponse, StreamEvent, TokenUsage
from apps.core.errors import InvalidRequest
from apps.gateway import dispatch
from apps.gateway.health_board import board
from apps.gateway.losses import shown_names
from apps.gateway.recording import usage_event
from apps.providers.adapters.anthropic.requests import build_request
from apps.providers.adapters.base import AttemptError, ProviderAdapter, ProviderCall
from apps.routing.engine.explain import explain_steps
from tests.gateway.runs import admit_everything, make_run
from tests.gateway.scripted import Scripted, call, outcomes
from tests.providers.anthropic_calls import make_call

LOSSY = ChatResponse("x", "stop", TokenUsage(5, 1), dropped=("seed", "of\r\nnobody"))
WHOLE = ChatResponse("x", "stop", TokenUsage(5, 1))
REFUSES = {"on_unsupported": "refuse"}


class Lossy(Scripted):
    """Tells only with its answer what it has left out."""

    def __init__(self, response: ChatResponse) -> None:
        super().__init__([])
        self._response = response

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        self.calls.append(call)
        return self._response

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        self.calls.append(call)
        try:
            yield StreamEvent("x", dropped=self._response.dropped)
            yield StreamEvent(finish_reason="stop", usage=TokenUsage(5, 1))
        finally:
            self.is_closed = True


@pytest.fixture(autouse=True)
def _room_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    admit_everything(monkeypatch)
    board.clear()


def answered_by(monkeypatch: pytest.MonkeyPatch, *providers: ProviderAdapter) -> None:
    waiting = iter(providers)
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: next(waiting))


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("wanted", ["", "drop"])
async def test_x3__what_was_left_out__is_in_the_trace_in_both_languages(
    wanted: str, is_stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("one", rule={"on_unsupported": wanted})
    provider = Lossy(LOSSY)
    answered_by(monkeypatch, provider)
    await call(run, is_stream=is_stream)
    assert not provider.calls[0].refuses_loss
    event = usage_event(run, status="ok")
    step = event.trace[-1]
    assert step == ["other", "fields_dropped", "one", "removed", {"fields": "seed, other"}]
    english, portuguese = (explain_steps([step], name)[0] for name in ("en", "pt-br"))
    assert english == "one cannot take all of the request; left out or changed: seed, other."
    assert portuguese == "one não aceita tudo da requisição; ficou de fora ou mudou: seed, other."


async def test_trace__of_an_answer_without_a_loss__has_no_such_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_run("one")
    answered_by(monkeypatch, Lossy(WHOLE))
    await call(run, is_stream=False)
    assert "fields_dropped" not in str(usage_event(run, status="ok").trace)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_x3__route_that_wants_no_loss__goes_on_to_who_takes_it_whole(
    is_stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("one", "two", rule=REFUSES)
    lossy, sound = Lossy(LOSSY), Lossy(WHOLE)
    answered_by(monkeypatch, lossy, sound)
    await call(run, is_stream=is_stream)
    assert outcomes(run) == [("one", "rejected")] + ([] if is_stream else [("two", "ok")])
    assert lossy.calls[0].refuses_loss
    assert lossy.is_closed == is_stream
    assert run.dropped == ()
    assert run.model == "two"


@pytest.mark.parametrize("is_stream", [False, True])
async def test_x3__route_that_wants_no_loss__refuses_where_nobody_takes_it_by_name(
    is_stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("one", rule=REFUSES)
    answered_by(monkeypatch, Lossy(LOSSY))
    with pytest.raises(InvalidRequest) as refused:
        await call(run, is_stream=is_stream)
    assert refused.value.param == "seed"
    # It answered, so it is paid.
    assert is_stream or run.attempts[0].cost > 0


def test_x3__anthropic__refuses_a_loss_before_the_call_where_the_route_says_so() -> None:
    asked = make_call(seed=5, logprobs=True)
    assert build_request(asked).dropped == ["seed", "logprobs"]
    with pytest.raises(AttemptError) as refused:
        build_request(replace(asked, refuses_loss=True))
    assert (refused.value.kind, refused.value.param) == ("not_expressible", "seed")
    assert build_request(replace(make_call(), refuses_loss=True)).dropped == []


def test_names__of_the_callers_own_choice__are_few_and_plain() -> None:
    assert shown_names(["a", "b\r\nx: 1", "a", "é", "messages.name"]) == "a, other, messages.name"
    assert shown_names(f"field_{n}" for n in range(50)).count(",") == 19
