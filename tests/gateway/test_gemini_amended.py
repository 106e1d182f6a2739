"""Gemini's bodies with what the router and its rules add."""

from typing import Any

from apps.core.chat import (
    Text,
    Turn,
)
from tests.gateway.gemini_bodies import (
    HELLO,
    model,
    read,
    user,
)

PARAMETERS = {
    "temperature": 0.25,
    "top_p": 0.5,
    "seed": 7,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "reasoning_effort": "medium",
}


def amended(body: dict[str, Any]) -> dict[str, Any]:
    grammar = read(body).grammar
    assert grammar is not None
    before = (
        Turn("system", (Text("House rules"),)),
        Turn("user", (Text("Earlier"),)),
        Turn("assistant", (Text("Yes"),)),
    )
    return grammar.amend(body, before, PARAMETERS)


def test_amended__what_the_router_adds__comes_first_and_what_a_rule_sets_wins() -> None:
    body = {
        **HELLO,
        "systemInstruction": {"parts": [{"text": "Mine"}], "role": "user"},
        "generationConfig": {
            "temperature": 1,
            "topK": 3,
            "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"},
        },
        "odd": 1,
    }
    assert amended(body) == {
        "contents": [
            user({"text": "Earlier"}),
            model({"text": "Yes"}),
            user({"text": "Hi"}),
        ],
        "systemInstruction": {"parts": [{"text": "House rules"}, {"text": "Mine"}]},
        "generationConfig": {
            "temperature": 0.25,
            "topK": 3,
            "topP": 0.5,
            "seed": 7,
            "frequencyPenalty": 0.1,
            "presencePenalty": 0.2,
            "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 8_192},
        },
        "odd": 1,
    }


def test_amended__body_in_snake_case__says_nothing_twice() -> None:
    body = {
        **HELLO,
        "system_instruction": "Mine",
        "generation_config": {"top_p": 1, "thinking_config": {"thinking_budget": 1}},
    }
    sent = amended(body)
    assert sent["system_instruction"]["parts"] == [{"text": "House rules"}, {"text": "Mine"}]
    config = sent["generation_config"]
    assert (config["top_p"], config["thinking_config"]) == (0.5, {"thinkingBudget": 8_192})
    assert not {"systemInstruction", "generationConfig"} & set(sent)
    assert not {"topP", "thinkingConfig"} & set(config)
