"""OG7, OG9, OG17: parameters and thinking, as Gemini wants them."""

from dataclasses import replace
from typing import Any

import pytest

from apps.core.chat import Reasoning
from apps.providers.adapters.base import AttemptError, ModelFacts
from apps.providers.adapters.google.requests import build_request
from apps.providers.adapters.google.thinking import build_thinking
from tests.providers.gemini_calls import (
    NEW,
    OLD,
    PRO,
    WEATHER,
    asked,
    config,
    make_call,
    outgoing,
    refusal,
)

OLD_PRO, FIRST_PRO = "gemini-2.5-pro", "gemini-3-pro-preview"


def test_og7__parameters__have_the_providers_names() -> None:
    found = config(
        max_completion_tokens=50,
        stop=["a", "b", ""],
        temperature=1.7,
        top_p=0.5,
        top_k=40,
        seed=7,
        presence_penalty=0.5,
        frequency_penalty=-0.5,
        logprobs=True,
        top_logprobs=3,
    )
    assert found == {
        "maxOutputTokens": 50,
        "stopSequences": ["a", "b"],
        "temperature": 1.7,
        "topP": 0.5,
        "topK": 40,
        "seed": 7,
        "presencePenalty": 0.5,
        "frequencyPenalty": -0.5,
        "responseLogprobs": True,
        "logprobs": 3,
    }


def test_og7__limit_of_the_router__wins() -> None:
    assert config(max_tokens=500, limit=50) == {"maxOutputTokens": 50}


def test_og7__logprobs_without_rivals__are_asked_alone() -> None:
    assert config(logprobs=True) == {"responseLogprobs": True}


def test_og7__what_is_too_much__is_refused_or_told() -> None:
    assert refusal(stop=list("abcdef")).param == "stop"
    sent = outgoing(frequency_penalty=2, seed=2**40 + 3)
    assert sent.body["generationConfig"] == {"frequencyPenalty": 1.99, "seed": 3}
    assert sent.dropped == ["frequency_penalty"]


def test_og7__what_has_no_place__is_told_or_refused_by_name() -> None:
    sent = outgoing(logit_bias={"5": 1}, user="ann", of_nobody=1)
    assert set(sent.dropped) == {"logit_bias", "user", "of_nobody"}
    assert refusal(modalities=["text", "audio"], audio={"voice": "a"}).param == "modalities"


def test_og7__several_answers__are_candidates_and_too_many_are_refused_by_name() -> None:
    call = make_call()
    several = [replace(call, request=replace(call.request, choices=count)) for count in (1, 8, 9)]
    assert "candidateCount" not in build_request(several[0]).body.get("generationConfig", {})
    assert build_request(several[1]).body["generationConfig"]["candidateCount"] == 8
    with pytest.raises(AttemptError) as told:
        build_request(several[2])
    assert (told.value.kind, told.value.param) == ("not_expressible", "n")


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        (NEW, "minimal", {"includeThoughts": True, "thinkingLevel": "MINIMAL"}),
        (NEW, "medium", {"includeThoughts": True, "thinkingLevel": "MEDIUM"}),
        (NEW, "max", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        (PRO, "minimal", {"includeThoughts": True, "thinkingLevel": "LOW"}),
        (PRO, "medium", {"includeThoughts": True, "thinkingLevel": "MEDIUM"}),
        (FIRST_PRO, "medium", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        (OLD, "low", {"includeThoughts": True, "thinkingBudget": 1_024}),
        (OLD, "max", {"includeThoughts": True, "thinkingBudget": 24_576}),
        (OLD_PRO, "max", {"includeThoughts": True, "thinkingBudget": 32_768}),
        (OLD, "none", {"thinkingBudget": 0}),
        ("gemini-flash-latest", "low", {"includeThoughts": True, "thinkingLevel": "LOW"}),
    ],
)
def test_og9__effort__is_a_level_or_a_budget_by_model(
    model: str, effort: str, expected: dict[str, Any]
) -> None:
    sent = outgoing(model=model, reasoning_effort=effort)
    assert sent.body["generationConfig"] == {"thinkingConfig": expected}
    assert sent.dropped == []


@pytest.mark.parametrize(
    ("model", "least"),
    [
        (NEW, {"thinkingLevel": "MINIMAL"}),
        (PRO, {"thinkingLevel": "LOW"}),
        (OLD_PRO, {"thinkingBudget": 128}),
    ],
)
def test_og9__model_that_always_thinks__thinks_least_and_it_is_told(
    model: str, least: dict[str, Any]
) -> None:
    sent = outgoing(model=model, reasoning_effort="none")
    assert sent.body["generationConfig"] == {"thinkingConfig": least}
    assert sent.dropped == ["reasoning_effort"]


@pytest.mark.parametrize(
    "options",
    [
        {"model": "gemini-2.0-flash", "reasoning_effort": "high"},
        {"facts": ModelFacts(capabilities={"reasoning": "no"}), "reasoning_effort": "high"},
        {"reasoning_effort": "of tomorrow"},
    ],
)
def test_og9__effort_that_cannot_be_made__is_told(options: dict[str, Any]) -> None:
    sent = outgoing(**options)
    assert ("generationConfig" in sent.body, sent.dropped) == (False, ["reasoning_effort"])


@pytest.mark.parametrize(
    ("tokens", "limit", "model", "expected"),
    [
        (5_000, None, OLD, {"includeThoughts": True, "thinkingBudget": 5_000}),
        # Thoughts count against the limit: something is left for the answer.
        (5_000, 3_024, OLD, {"includeThoughts": True, "thinkingBudget": 2_000}),
        (5_000, 100, OLD_PRO, {"includeThoughts": True, "thinkingBudget": 128}),
        (5_000, None, NEW, {"includeThoughts": True, "thinkingLevel": "MEDIUM"}),
        (-1, None, NEW, {"includeThoughts": True}),
        (-1, None, OLD, {"includeThoughts": True}),
        (0, None, OLD, {"thinkingBudget": 0}),
    ],
)
def test_og9__budget__stays_within_the_model_and_the_limit(
    tokens: int, limit: int | None, model: str, expected: dict[str, Any]
) -> None:
    wanted = Reasoning(budget_tokens=tokens)
    found = build_thinking(wanted, model, can_think=True, limit=limit, dropped=[])
    assert found == expected


def test_og17__keys__are_in_camel_case() -> None:
    body = asked(
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        tools=[WEATHER],
        tool_choice="required",
        max_tokens=5,
        reasoning_effort="low",
    )
    names = {*body, *body["generationConfig"], *body["tools"][0], *body["toolConfig"]}
    assert not [name for name in names if "_" in name]
