"""OpenAI's parameters as Anthropic's. OA17 to OA20, OA22."""

from dataclasses import replace
from typing import Any

import pytest

from apps.core.chat import ChatDetails, Grammar, Reasoning
from apps.providers.adapters.anthropic.families import NEWEST, version_of
from apps.providers.adapters.anthropic.requests import SAMPLING, build_request
from apps.providers.adapters.base import ModelFacts, ProviderCall
from apps.providers.adapters.translation import ANSWER_TOOL
from tests.providers.anthropic_calls import (
    CLOCK,
    HELLO,
    MANUAL,
    NEW,
    OLD,
    asked,
    make_call,
    outgoing,
)


@pytest.mark.parametrize(
    ("body", "limit", "expected"),
    [
        ({"max_tokens": 5, "max_completion_tokens": 9}, None, 9),
        ({"max_tokens": 5}, None, 5),
        ({"max_tokens": 50}, 20, 20),
        ({"model": OLD}, None, 4_096),
        ({}, None, 16_384),
    ],
)
def test_oa17__limit__is_always_sent(body: Any, limit: int | None, expected: int) -> None:
    assert build_request(make_call(limit=limit, **body)).body["max_tokens"] == expected


@pytest.mark.parametrize(
    ("body", "sent", "dropped"),
    [
        ({"temperature": 0.4}, {"temperature": 0.4}, []),
        ({"temperature": 1.7}, {"temperature": 1.0}, ["temperature"]),
        ({"top_p": 0.9}, {"top_p": 0.9}, []),
        ({"temperature": 0.4, "top_p": 0.9}, {"temperature": 0.4}, ["top_p"]),
        ({"temperature": 0.4, "top_k": 7}, {"temperature": 0.4, "top_k": 7}, []),
    ],
)
def test_oa18__sampling__is_clamped_and_told(
    body: dict[str, Any], sent: dict[str, Any], dropped: list[str]
) -> None:
    found = outgoing(**body)
    assert {name: found.body[name] for name in SAMPLING if name in found.body} == sent
    assert found.dropped == dropped


def test_oa19__stops__are_a_list_without_blank_ones() -> None:
    assert asked(stop="END")["stop_sequences"] == ["END"]
    found = outgoing(stop=["a", " \n", "b", "c", "d", "e"])
    assert found.body["stop_sequences"] == ["a", "b", "c", "d", "e"]
    assert found.dropped == ["stop"]


@pytest.mark.parametrize(
    ("body", "dropped"),
    [
        ({"seed": 5}, {"seed"}),
        ({"logprobs": True, "top_logprobs": 3}, {"logprobs"}),
        ({"logit_bias": {"5": 1}}, {"logit_bias"}),
        ({"presence_penalty": 0.5}, {"presence_penalty"}),
        ({"frequency_penalty": 0.5, "service_tier": "flex"}, {"frequency_penalty", "service_tier"}),
        ({"prompt_cache_key": "k", "of_nobody": 1}, {"prompt_cache_key", "of_nobody"}),
        ({"presence_penalty": 0, "logit_bias": {}, "logprobs": False, "n": 1, "seed": None}, set()),
        ({"modalities": ["text"], "store": False, "metadata": {"a": "b"}, "stream": True}, set()),
    ],
)
def test_oa20__parameter_without_a_place__is_dropped_and_told(
    body: dict[str, Any], dropped: set[str]
) -> None:
    found = outgoing(**body)
    assert set(found.dropped) == dropped
    assert set(found.body) == {"model", "messages", "max_tokens"}


@pytest.mark.parametrize("name", ["user", "safety_identifier"])
def test_oa20__user__is_told(name: str) -> None:
    assert asked(**{name: "u-1"})["metadata"] == {"user_id": "u-1"}


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("claude-3-7-sonnet-20250219", (3, 7)),
        ("claude-3-haiku-20240307", (3, 0)),
        ("claude-sonnet-4-20250514", (4, 0)),
        ("claude-opus-4-1-20250805", (4, 1)),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", (4, 5)),
        ("claude-opus-5-5", (5, 5)),
        ("my-own-name", NEWEST),
    ],
)
def test_families__of_a_name__are_told_by_its_numbers(model: str, version: tuple[int, int]) -> None:
    assert version_of(model) == version


def known(model: str, *, most: int | None = None, **capabilities: str) -> ProviderCall:
    """Return a call of a model of which the catalogue says something."""
    schema = {"name": "x", "schema": {"type": "object"}}
    call = make_call(
        model=model,
        reasoning_effort="low",
        response_format={"type": "json_schema", "json_schema": schema},
    )
    return replace(call, model=ModelFacts(most, capabilities))


@pytest.mark.parametrize("word", ["yes", "unknown"])
def test_facts__that_say_yes_or_nothing__leave_a_new_model_all_it_can(word: str) -> None:
    found = build_request(known(NEW, reasoning=word, json_schema=word))
    assert found.body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert found.body["output_config"].keys() == {"effort", "format"}
    assert (found.dropped, found.answer_tool) == ([], "")


def test_facts__that_say_no__win_over_the_name() -> None:
    found = build_request(known(NEW, reasoning="no", json_schema="no"))
    assert not found.body.keys() & {"thinking", "output_config"}
    assert found.dropped == ["reasoning_effort"]
    assert found.answer_tool == ANSWER_TOOL


def test_facts__that_say_yes__win_over_the_name_of_an_old_model() -> None:
    found = build_request(known(OLD, reasoning="yes", json_schema="yes"))
    assert found.body["thinking"] == {"type": "enabled", "budget_tokens": 2_048}
    assert found.body["output_config"].keys() == {"format"}


@pytest.mark.parametrize(
    ("model", "most", "body", "expected"),
    [
        (NEW, 8_192, {}, 8_192),
        (NEW, 64_000, {}, 16_384),
        (OLD, 8_192, {}, 8_192),
        (MANUAL, 64_000, {"reasoning_effort": "max"}, 16_384 + 28_672),
        (MANUAL, 8_192, {"reasoning_effort": "max"}, 8_192),
        (MANUAL, 8_192, {"max_tokens": 6_000, "reasoning_effort": "max"}, 6_000),
    ],
)
def test_facts__of_the_largest_answer__bound_what_nobody_has_limited(
    model: str, most: int, body: dict[str, Any], expected: int
) -> None:
    call = replace(make_call(model=model, **body), model=ModelFacts(most))
    found = build_request(call).body
    assert found["max_tokens"] == expected
    assert found.get("thinking", {}).get("budget_tokens", 0) < expected


@pytest.mark.parametrize(
    ("wanted", "new", "manual"),
    [
        (Reasoning(budget_tokens=0), {"type": "disabled"}, {"type": "disabled"}),
        (
            Reasoning(budget_tokens=-1),
            {"type": "adaptive", "display": "summarized"},
            {"type": "enabled", "budget_tokens": 8_192},
        ),
        (
            Reasoning(budget_tokens=3_000),
            {"type": "adaptive", "display": "summarized"},
            {"type": "enabled", "budget_tokens": 3_000},
        ),
        (Reasoning(), None, None),
    ],
)
def test_budget_of_another_dialect__is_told_in_anthropics_words(
    wanted: Reasoning, new: dict[str, Any] | None, manual: dict[str, Any] | None
) -> None:
    for model, expected in ((NEW, new), (MANUAL, manual)):
        call = make_call(model=model)
        grammar = Grammar(
            lambda _body: ChatDetails(reasoning=wanted), lambda body, *_rest: {**body}
        )
        found = build_request(replace(call, request=replace(call.request, grammar=grammar)))
        assert found.body.get("thinking") == expected
        assert found.dropped == []


@pytest.mark.parametrize(
    ("effort", "expected"), [("minimal", "low"), ("medium", "medium"), ("max", "max")]
)
def test_oa22__effort__is_told_to_models_that_think_as_they_need(
    effort: str, expected: str
) -> None:
    found = asked(model=NEW, reasoning_effort=effort)
    assert found["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert found["output_config"] == {"effort": expected}


@pytest.mark.parametrize(
    ("body", "budget", "limit"),
    [
        ({"reasoning_effort": "low"}, 2_048, 16_384 + 2_048),
        ({"reasoning_effort": "high"}, 16_384, 32_000),
        ({"reasoning_effort": "max"}, 28_672, 32_000),
        ({"reasoning": {"max_tokens": 40_000}}, 40_000, 41_024),
        ({"reasoning_effort": "high", "max_completion_tokens": 4_000}, 2_976, 4_000),
        ({"reasoning": {"max_tokens": 3_000}}, 3_000, 16_384 + 3_000),
    ],
)
def test_oa22__effort__is_a_budget_below_the_limit_for_others(
    body: dict[str, Any], budget: int, limit: int
) -> None:
    found = asked(model=MANUAL, **body)
    assert found["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert found["max_tokens"] == limit > budget


def test_oa22__thinking__takes_sampling_away_and_tells() -> None:
    found = outgoing(model=MANUAL, reasoning_effort="low", temperature=0.3, top_k=5)
    assert not found.body.keys() & set(SAMPLING)
    assert found.dropped == ["temperature", "top_k"]


@pytest.mark.parametrize("model", [NEW, MANUAL])
def test_oa22__effort_none__turns_thinking_off(model: str) -> None:
    found = outgoing(model=model, reasoning_effort="none")
    assert found.body["thinking"] == {"type": "disabled"}
    assert found.dropped == []


@pytest.mark.parametrize(
    "body",
    [
        {"model": OLD},
        {"max_tokens": 1_500},
        {"tools": [CLOCK], "tool_choice": "required"},
        {"messages": [HELLO, {"role": "assistant", "content": "The"}]},
        {"reasoning_effort": "enormous"},
    ],
)
def test_oa22__thinking_that_is_not_possible__is_left_out_and_told(body: dict[str, Any]) -> None:
    found = build_request(make_call(**{"model": MANUAL, "reasoning_effort": "low", **body}))
    assert "thinking" not in found.body
    assert found.dropped == ["reasoning_effort"]


def test_oa22__forced_tool__keeps_the_effort_without_thinking_first() -> None:
    found = outgoing(model=NEW, reasoning_effort="low", tools=[CLOCK], tool_choice="required")
    assert "thinking" not in found.body
    assert found.body["output_config"] == {"effort": "low"}


def test_parameters__that_a_rule_sets__win_over_the_callers() -> None:
    call = make_call(model=NEW, reasoning_effort="low")
    ruled = replace(call.request, parameters={"reasoning_effort": "max", "seed": 3})
    found = build_request(replace(call, request=ruled))
    assert found.body["output_config"] == {"effort": "max"}
    assert found.dropped == ["seed"]
