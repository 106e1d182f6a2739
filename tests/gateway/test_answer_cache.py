"""The answer cache: per tenant, sealed, keyed by what shapes an answer and by nothing else."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from apps.core.chat import ChatResponse, Message, TokenUsage
from apps.core.crypto import seal
from apps.core.ids import named_id
from apps.gateway import cache
from apps.gateway.billing import cost_of, estimate_usage
from apps.gateway.cache import answer_key, is_cacheable, open_answer, seal_answer
from apps.gateway.types import Run
from tests.factories.keys import make_caller
from tests.gateway.runs import make_deployment, make_run

CALLER = make_caller()
ANSWER = ChatResponse(
    "Good morning!",
    "stop",
    TokenUsage(1, 2, reasoning_tokens=1),
    raw={"a": 1},
    raw_dialect="openai.chat",
)


def run(**fields: Any) -> Run:
    return make_run(**{"caller": CALLER, **fields})


def test_key__begins_with_the_tenant_and_shows_nothing_of_the_request() -> None:
    key = answer_key(run())
    assert key.startswith(f"{CALLER.tenant_id}:answer:")
    assert "Hello" not in key


def test_key__of_the_same_question__is_the_same_for_another_key_of_the_tenant() -> None:
    other = replace(CALLER, key_id=make_caller().key_id, key_name="other")
    assert answer_key(run()) == answer_key(run(caller=other))


@pytest.mark.parametrize(
    "raw",
    [
        {"stream": True},
        {"stream_options": {"include_usage": True}},
        {"metadata": {"tags": "a"}},
        {"user": "u-1"},
        {"model": "another-alias"},
    ],
)
def test_key__fields_that_shape_no_answer__leave_it_alone(raw: dict[str, Any]) -> None:
    assert answer_key(run(chat={"raw": raw})) == answer_key(run())


@pytest.mark.parametrize(
    "fields",
    [
        {"caller": make_caller()},
        {"chat": {"temperature": 0.5}},
        {"chat": {"top_p": 0.5}},
        {"chat": {"stop": ("x",)}},
        {"chat": {"raw": {"seed": 1}}},
        {"chat": {"raw": {"tools": []}}},
        {"chat": {"raw": {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}}},
        {"rule": {"id_": "another"}},
        {"rule": {"parameters": {"temperature": 0.7}}},
        {"rule": {"parameters": {"seed": 5}}},
    ],
)
def test_key__what_shapes_an_answer__changes_it(fields: dict[str, Any]) -> None:
    assert answer_key(run(**fields)) != answer_key(run())


def test_key__other_models_or_other_history__changes_it() -> None:
    assert answer_key(make_run("large", caller=CALLER)) != answer_key(run())
    told = run()
    told.prefix = (Message("system", "Be brief.").as_turn(),)
    assert answer_key(told) != answer_key(run())


def test_key__another_pepper__changes_it(settings: Any) -> None:
    before = answer_key(run())
    settings.API_KEY_PEPPER = b"another"
    assert answer_key(run()) != before


def test_answer__sealed_and_opened__is_the_same_and_unreadable_in_between() -> None:
    asked = run()
    asked.chosen = asked.decided().attempts[0]
    key = answer_key(asked)
    sealed = seal_answer(key, asked, ANSWER)
    assert b"Good" not in sealed
    assert open_answer(key, asked, sealed) == ("small", ANSWER)


def test_answer__of_another_tenant_or_key__is_a_miss() -> None:
    asked, stranger = run(), run(caller=make_caller())
    key = answer_key(asked)
    sealed = seal_answer(key, asked, ANSWER)
    assert open_answer(key, stranger, sealed) is None
    assert open_answer(f"{key}x", asked, sealed) is None


@pytest.mark.parametrize("bad", [b"", b"{}", b"\xff\xfe", b"v1.test.AAAA"])
def test_answer__tampered_with__is_a_miss(bad: bytes) -> None:
    asked = run()
    key = answer_key(asked)
    assert open_answer(key, asked, bad) is None
    sealed = seal_answer(key, asked, ANSWER)
    assert open_answer(key, asked, sealed[:-6] + b"AAAAAA") is None


@pytest.mark.parametrize("body", [{}, [], "x", {"text": "x", "usage": {"odd": 1}}])
def test_answer__of_another_version__is_a_miss(body: Any) -> None:
    asked = run()
    key = answer_key(asked)
    text = orjson.dumps(body).decode()
    tenant = CALLER.tenant_id
    sealed = seal(text, purpose=cache.PURPOSE, tenant_id=tenant, row_id=named_id(key))
    assert open_answer(key, asked, sealed.encode()) is None


@pytest.mark.parametrize(
    ("reason", "is_kept"),
    [("stop", True), ("length", False), ("tool_calls", False), ("content_filter", False)],
)
def test_answer__unless_it_finished__is_not_kept(reason: Any, is_kept: bool) -> None:
    assert is_cacheable(replace(ANSWER, finish_reason=reason)) == is_kept


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (TokenUsage(0, 0), 0),
        (TokenUsage(10, 20), 50),
        (TokenUsage(10, 0, cached_input_tokens=10), 1),
        (TokenUsage(10, 0, cache_write_tokens=2), 11),
        (TokenUsage(10, 20, cached_input_tokens=4, cache_write_tokens=2), 47),
        (TokenUsage(5, 0, cached_input_tokens=9), 1),
    ],
)
def test_cost__of_counts__uses_each_price_and_rounds_once(usage: TokenUsage, cost: int) -> None:
    assert cost_of(usage, make_deployment("x")) == cost


def test_estimate__of_an_answer_without_counts__says_so() -> None:
    usage = estimate_usage(run(), "small", "some words")
    assert usage.is_estimated
    assert usage.input_tokens > 0
    assert usage.output_tokens > 0
