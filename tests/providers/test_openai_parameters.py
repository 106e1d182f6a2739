"""What is asked beside turns and tools, in OpenAI's wire: AO8, AO9, OO2, OO3, OO8, headers."""

from typing import Any

import pytest

from apps.core.chat import Reasoning
from apps.providers.adapters.openai.quirks import QUIRKS, quirks_of
from apps.providers.adapters.openai.requests import build_headers, build_url
from apps.providers.enums import ServerKind
from tests.providers.openai_calls import (
    HELLO,
    SECRET,
    THINKER,
    outgoing,
    passed,
    refusal,
    said,
    sent,
    sent_on,
    translated,
    turn,
)

LIMITS = ("max_tokens", "max_completion_tokens")
YES = {"reasoning": "yes"}
NO = {"reasoning": "no"}


def asked(**request: Any) -> dict[str, Any]:
    """Return the keyword of fields that the request itself has."""
    return {"request": request}


def limit_of(body: dict[str, Any]) -> dict[str, int]:
    return {name: body[name] for name in LIMITS if name in body}


@pytest.mark.parametrize(
    ("model", "kind", "name"),
    [
        ("gpt-4.1-mini", "", "max_tokens"),
        ("gpt-35-turbo", "", "max_tokens"),
        ("gpt-5-mini", "", "max_completion_tokens"),
        ("gpt-6.1-sol", "", "max_completion_tokens"),
        ("gpt-5-chat-latest", "", "max_completion_tokens"),
        ("o4-mini", "openai", "max_completion_tokens"),
        ("gpt-5", "openrouter", "max_tokens"),
        ("llama", "groq", "max_completion_tokens"),
    ],
)
def test_ao8__limit__stands_once_under_the_name_for_it(model: str, kind: str, name: str) -> None:
    found = sent(model=model, kind=kind, **asked(max_output_tokens=9))
    assert limit_of(found) == {name: 9}
    both = sent_on({"max_tokens": 9, "max_completion_tokens": 9}, model=model, kind=kind)
    assert len(limit_of(both.body)) == 1


def test_ao8__limit_of_a_deployment_at_azure__goes_by_what_the_catalogue_knows() -> None:
    fields = {"model": "our-own-name", "kind": "azure", **asked(max_output_tokens=9)}
    assert limit_of(sent(**fields, capabilities=YES)) == {"max_completion_tokens": 9}
    assert limit_of(sent(**fields, capabilities=NO)) == {"max_tokens": 9}


def test_ao8__more_than_four_stops__are_cut_and_told() -> None:
    found = outgoing(**asked(stop=tuple("abcde")))
    assert (found.body["stop"], found.dropped) == (list("abcd"), ("stop",))
    assert outgoing(**asked(stop=("a",))).dropped == ()


@pytest.mark.parametrize(("kind", "is_known"), [("", False), ("vllm", True), ("openrouter", True)])
def test_ao8__top_k__goes_to_servers_that_know_it(kind: str, is_known: bool) -> None:
    found = outgoing(top_k=5, kind=kind)
    assert found.body.get("top_k") == (5 if is_known else None)
    assert found.dropped == (() if is_known else ("top_k",))


@pytest.mark.parametrize(
    ("kind", "field"), [("", "safety_identifier"), ("azure", "user"), ("vllm", "user")]
)
def test_ao8__user__is_told_in_the_servers_word(kind: str, field: str) -> None:
    assert sent(kind=kind, **asked(user="ana"))[field] == "ana"


def test_ao8__user_for_a_server_without_a_word__is_dropped() -> None:
    found = outgoing(kind="mistral", **asked(user="ana"))
    assert "ana" not in found.body.values()
    assert found.dropped == ("safety_identifier",)


def test_oo5__usage_that_a_server_refuses_to_be_asked_for__is_nothing_of_the_callers() -> None:
    found = outgoing(kind="mistral", is_streamed=True)
    assert "stream_options" not in found.body
    assert found.dropped == ()


def test_sampling__seed_logprobs_and_penalties__are_sent() -> None:
    found = outgoing(
        **asked(temperature=0.0, top_p=0.5),
        seed=7,
        top_logprobs=3,
        frequency_penalty=0.5,
        presence_penalty=-0.5,
    )
    expected = {
        "temperature": 0.0,
        "top_p": 0.5,
        "seed": 7,
        "logprobs": True,
        "top_logprobs": 3,
        "frequency_penalty": 0.5,
        "presence_penalty": -0.5,
    }
    assert {name: found.body.get(name) for name in expected} == expected
    assert found.dropped == ()


def test_sampling__logprobs_without_alternatives__name_no_number() -> None:
    body = sent(top_logprobs=0)
    assert body["logprobs"] is True
    assert "top_logprobs" not in body


def test_several_choices__are_asked_for_where_the_server_gives_them() -> None:
    assert sent(**asked(choices=2))["n"] == 2
    assert "n" not in sent(**asked(choices=1))
    for kind in ("deepseek", "groq", "openrouter", "ollama"):
        assert refusal(kind=kind, **asked(choices=2)).param == "n"
        assert "n" not in sent(kind=kind, **asked(choices=1))


def test_fields_without_a_form__are_named() -> None:
    assert outgoing(others={"container": "x"}).dropped == ("container",)


def test_fields_of_openais_other_dialect__are_kept_where_they_are_the_same() -> None:
    others = {"prompt_cache_key": "k", "truncation": "auto"}
    found = outgoing(dialect="openai.responses", others=others)
    assert (found.body["prompt_cache_key"], found.dropped) == ("k", ("truncation",))


@pytest.mark.parametrize(
    ("model", "wanted", "effort", "dropped"),
    [
        ("gpt-5-mini", Reasoning("high"), "high", ()),
        ("gpt-5-mini", Reasoning("max"), "high", ("reasoning_effort",)),
        ("gpt-5-mini", Reasoning("none"), "minimal", ("reasoning_effort",)),
        ("o3", Reasoning("minimal"), "low", ("reasoning_effort",)),
        ("gpt-5.1", Reasoning("none"), "none", ()),
        ("gpt-5.2", Reasoning("max"), "xhigh", ("reasoning_effort",)),
        ("gpt-6.1-sol", Reasoning("max"), "max", ()),
        ("o3", Reasoning(budget_tokens=1_024), "low", ()),
        ("o3", Reasoning(budget_tokens=8_000), "medium", ()),
        ("o3", Reasoning(budget_tokens=20_000), "high", ()),
        ("o3", Reasoning(budget_tokens=60_000), "high", ()),
        ("gpt-5", Reasoning(budget_tokens=0), "minimal", ()),
        ("gpt-6.1-sol", Reasoning(budget_tokens=0), "none", ()),
        ("o3", Reasoning(budget_tokens=-1), None, ()),
        ("o3", Reasoning("of tomorrow"), None, ("reasoning_effort",)),
        ("gpt-4.1", Reasoning("high"), None, ("reasoning_effort",)),
        ("gpt-4.1", Reasoning(budget_tokens=2_000), None, ("reasoning_effort",)),
    ],
)
def test_ao9__thinking__is_an_effort_that_the_model_knows(
    model: str, wanted: Reasoning, effort: str | None, dropped: tuple[str, ...]
) -> None:
    found = outgoing(model=model, reasoning=wanted)
    assert (found.body.get("reasoning_effort"), found.dropped) == (effort, dropped)


def test_ao9__what_the_catalogue_says_of_the_model__counts_more_than_its_name() -> None:
    high = Reasoning("high")
    assert "reasoning_effort" not in sent(model="o3", reasoning=high, capabilities=NO)
    assert sent(model="x", reasoning=high, capabilities=YES)["reasoning_effort"] == "high"


def test_ao9__openrouter__gets_an_object_with_effort_or_budget() -> None:
    fields: dict[str, Any] = {"kind": "openrouter", "capabilities": YES}
    budget = sent(reasoning=Reasoning(budget_tokens=2_000), **fields)
    assert budget["reasoning"] == {"max_tokens": 2_000}
    assert sent(reasoning=Reasoning("low"), **fields)["reasoning"] == {"effort": "low"}


def test_oo2__reasoning_model__gets_no_sampling_but_the_default() -> None:
    body = {"temperature": 0.2, "top_p": 1, "presence_penalty": 0.5, "frequency_penalty": 0}
    found = sent_on(body, model=THINKER)
    assert "temperature" not in found.body
    assert found.body["top_p"] == 1
    assert found.dropped == ("temperature", "presence_penalty")
    assert outgoing(model=THINKER, **asked(temperature=0.2)).dropped == ("temperature",)


@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-5-chat-latest", "gpt-5.2"])
def test_oo2__model_that_may_take_it__keeps_its_sampling(model: str) -> None:
    assert sent_on({"temperature": 0.2}, model=model).body["temperature"] == 0.2


@pytest.mark.parametrize(
    ("model", "kind", "given", "expected"),
    [
        ("llama", "vllm", "developer", "system"),
        ("gpt-4.1", "", "developer", "developer"),
        ("gpt-4.1", "", "system", "system"),
        ("o3", "", "system", "developer"),
        ("gpt-5", "openrouter", "developer", "system"),
    ],
)
def test_oo3__role_of_instructions__is_the_one_that_the_model_knows(
    model: str, kind: str, given: str, expected: str
) -> None:
    body = {"messages": [said(given, "Be brief."), said("user", "Hi")]}
    assert sent_on(body, model=model, kind=kind).body["messages"][0]["role"] == expected


def test_oo3__translated_instructions__are_a_developers_for_reasoning_models_alone() -> None:
    turns = (turn("system", "Be brief."), HELLO)
    assert sent(*turns, model="o3")["messages"][0]["role"] == "developer"
    assert sent(*turns, model="x", capabilities=YES)["messages"][0]["role"] == "system"


def azure_call(url: str) -> Any:
    return passed({}, model="our gpt", kind="azure", url=url)


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("", "/openai/deployments/our%20gpt/chat/completions?api-version=2024-10-21"),
        ("/openai/", "/openai/deployments/our%20gpt/chat/completions?api-version=2024-10-21"),
        ("?api-version=x", "/openai/deployments/our%20gpt/chat/completions?api-version=x"),
        ("/openai/v1/", "/openai/v1/chat/completions"),
        ("/openai/v1?api-version=preview", "/openai/v1/chat/completions?api-version=preview"),
    ],
)
def test_oo8__azure__names_deployment_and_version_in_the_address(
    base_url: str, expected: str
) -> None:
    host = "https://ours.openai.azure.com"
    assert build_url(azure_call(host + base_url).connection) == host + expected


def test_oo8__azure__takes_its_key_in_a_header_of_its_own() -> None:
    headers = build_headers(azure_call("https://ours.openai.azure.com"))
    assert headers["api-key"] == SECRET
    assert "authorization" not in headers


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://ours.openai.azure.com", "azure"),
        ("https://api.openai.com/v1", "openai"),
        ("https://notmistral.ai/v1", "openai"),
        ("https://mistral.ai.example/v1", "openai"),
        ("", "openai"),
    ],
)
def test_kind_of_server__said_by_nobody__is_told_by_the_address(url: str, kind: str) -> None:
    assert quirks_of(translated(url=url).connection) is QUIRKS[kind]


def test_kind_of_server__said__counts_more_than_the_address() -> None:
    call = translated(url="https://api.mistral.ai/v1", kind="vllm")
    assert quirks_of(call.connection) is QUIRKS["vllm"]


def test_kind_of_server__of_a_later_version__is_openais() -> None:
    assert quirks_of(translated(kind="of-tomorrow").connection) is QUIRKS["openai"]


def test_kinds_of_servers__that_people_choose__all_have_their_quirks() -> None:
    assert set(ServerKind.values) == set(QUIRKS)
