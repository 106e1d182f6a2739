"""Whatever a caller sends to Gemini is translated so that it is taken, or refused by name."""

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import InvalidRequest
from apps.providers.adapters.base import AttemptError
from apps.providers.adapters.google.requests import build_request
from apps.providers.wire_servers.exchange import Exchange, Memory, Refusal, Request
from apps.providers.wire_servers.gemini.checks import check_generate
from apps.providers.wire_servers.scripts import Script
from tests.providers.gemini_calls import NEW, OLD, PRO, make_call
from tests.providers.test_anthropic_any_body import AGENT_TURNS, MESSAGES, OPTIONS


def built_or_refused(**body: Any) -> dict[str, Any] | AttemptError | InvalidRequest:
    """Return what would be sent, or why it cannot be."""
    try:
        return build_request(make_call(**body)).body
    except (AttemptError, InvalidRequest) as error:
        return error


def refusal_of(body: dict[str, Any], model: str) -> str:
    """Return what the provider has against a body, "" for nothing."""
    request = Request("POST", "", {}, {}, b"", orjson.loads(orjson.dumps(body)))
    try:
        check_generate(Exchange(request, Script(), model, 1, Memory()))
    except Refusal as refusal:
        return refusal.message
    return ""


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(AGENT_TURNS, min_size=1, max_size=6), st.sampled_from([NEW, OLD]))
def test_history_of_an_agent__broken_off_anywhere__is_taken(
    turns: list[list[dict[str, Any]]], model: str
) -> None:
    messages = [message for turn in turns for message in turn]
    found = built_or_refused(messages=messages, model=model)
    if isinstance(found, dict):
        assert refusal_of(found, model) == ""
    else:
        # Two turns in a row that call under the same id: the only refusal there may be.
        assert "two tool calls" in found.message


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(MESSAGES, min_size=1, max_size=6), OPTIONS, st.sampled_from([NEW, OLD, PRO]))
def test_any_body__is_taken_or_refused_by_name(
    messages: list[dict[str, Any]], options: dict[str, Any], model: str
) -> None:
    before = orjson.dumps(messages)
    found = built_or_refused(model=model, messages=messages, **options)
    assert orjson.dumps(messages) == before, "the caller's body stays as it was"
    if isinstance(found, dict):
        assert refusal_of(found, model) == ""
    else:
        assert found.param
