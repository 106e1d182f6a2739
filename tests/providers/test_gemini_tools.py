"""OG4-OG6, OG8: tools, the choice among them, and structured answers, as Gemini wants them."""

from typing import Any

import pytest

from apps.providers.adapters.google.names import LEGAL_NAME, legal_name
from apps.providers.adapters.translation import ANSWER_TOOL
from tests.providers.gemini_calls import (
    CLOCK,
    HELLO,
    NEW,
    OLD,
    WEATHER,
    asked,
    calling,
    chunk_of,
    config,
    outgoing,
    read,
    refusal,
    result,
)

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
WANTED = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
TOOLS = [WEATHER, CLOCK]


def declared(**options: Any) -> list[dict[str, Any]]:
    ((tool),) = asked(**options)["tools"]
    found: list[dict[str, Any]] = tool["functionDeclarations"]
    return found


def choice_of(**options: Any) -> dict[str, Any] | None:
    found = asked(tools=TOOLS, **options).get("toolConfig")
    return found["functionCallingConfig"] if found else None


def function(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **fields}}


def test_og4__schema__goes_out_as_it_came_as_a_json_schema() -> None:
    weather, clock = declared(tools=TOOLS)
    assert weather["parametersJsonSchema"] == WEATHER["function"]["parameters"]
    assert (weather["name"], weather["description"]) == ("get_weather", "Tells it.")
    assert clock == {"name": "clock"}


def test_og4__schema_without_arguments__is_left_out() -> None:
    nothing = {"type": "object", "properties": {}, "additionalProperties": False}
    assert declared(tools=[function("f", parameters=nothing)]) == [{"name": "f"}]
    anything = {"type": "object", "additionalProperties": {"type": "string"}}
    (kept,) = declared(tools=[function("f", parameters=anything)])
    assert kept["parametersJsonSchema"] == anything


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("auto", None),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (function("clock"), {"mode": "ANY", "allowedFunctionNames": ["clock"]}),
    ],
)
def test_og5__choice__is_the_providers_mode(choice: Any, expected: Any) -> None:
    assert choice_of(tool_choice=choice) == expected


def test_og5__strict_tools__are_validated() -> None:
    strict = function("f", parameters=SCHEMA, strict=True)
    sent = outgoing(tools=[strict])
    assert sent.body["toolConfig"]["functionCallingConfig"] == {"mode": "VALIDATED"}
    old = outgoing(tools=[strict], model="gemini-2.0-flash")
    assert (old.dropped, "toolConfig" in old.body) == (["tools.function.strict"], False)


def test_og5__allowed_tools__are_the_only_ones_that_can_be_called() -> None:
    allowed = {"mode": "auto", "tools": [function("clock")]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    assert [each["name"] for each in declared(tools=TOOLS, tool_choice=choice)] == ["clock"]
    choice["allowed_tools"] = {**allowed, "mode": "required"}
    assert choice_of(tool_choice=choice) == {"mode": "ANY", "allowedFunctionNames": ["clock"]}


def test_og5__choice_that_cannot_be_met__is_refused_by_name() -> None:
    assert refusal(tools=TOOLS, tool_choice=function("nobody")).param == "tool_choice"
    assert refusal(tool_choice="required").param == "tool_choice"


def test_og5__one_call_at_a_time__is_told_as_lost() -> None:
    assert outgoing(tools=TOOLS, parallel_tool_calls=False).dropped == ["parallel_tool_calls"]
    assert outgoing(parallel_tool_calls=False).dropped == []


@pytest.mark.parametrize("name", ["get weather", "9lives", "naïve", "x" * 65, "mcp/a/b", ""])
def test_og6__name_in_other_letters__is_mapped_and_mapped_back(name: str) -> None:
    legal = legal_name(name)
    assert LEGAL_NAME.fullmatch(legal)
    options = {
        "messages": [HELLO, calling("a", name=name), result("a")],
        "tools": [function(name), CLOCK],
    }
    body = asked(**options, tool_choice=function(name))
    assert body["tools"][0]["functionDeclarations"][0]["name"] == legal
    choice = body["toolConfig"]["functionCallingConfig"]
    assert choice["allowedFunctionNames"] == [legal]
    assert body["contents"][1]["parts"][0]["functionCall"]["name"] == legal
    assert body["contents"][2]["parts"][0]["functionResponse"]["name"] == legal
    (event,), reader = read(chunk_of({"functionCall": {"name": legal}}, reason="STOP"), **options)
    assert event.tool_call is not None
    assert event.tool_call.name == name
    assert reader.whole().finish_reason == "tool_calls"


def test_og6__names_that_differ_in_illegal_letters_only__stay_apart() -> None:
    assert len({legal_name(name) for name in ("a b", "a/b", "a_b", "x" * 70, "x" * 71)}) == 5


def test_og8__json_schema__goes_out_as_it_came() -> None:
    expected = {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    assert config(response_format=WANTED, model=OLD) == expected
    assert config(response_format=WANTED, tools=TOOLS, model=NEW) == expected
    plain = config(response_format={"type": "json_object"}, model=OLD)
    assert plain == {"responseMimeType": "application/json"}


def test_og8__schema_beside_tools_on_older_models__is_a_tool_whose_arguments_are_the_answer() -> (
    None
):
    options = {"response_format": WANTED, "tools": TOOLS, "model": OLD}
    sent = outgoing(**options)
    assert "generationConfig" not in sent.body
    assert sent.body["toolConfig"]["functionCallingConfig"] == {"mode": "ANY"}
    *_, answer = sent.body["tools"][0]["functionDeclarations"]
    assert (answer["name"], answer["parametersJsonSchema"]) == (ANSWER_TOOL, SCHEMA)
    call = {"functionCall": {"name": ANSWER_TOOL, "args": {"a": "é"}}}
    _events, reader = read(chunk_of(call, reason="STOP"), **options)
    whole = reader.whole()
    assert (whole.text, whole.finish_reason, whole.parts) == ('{"a":"é"}', "stop", ())


def test_og8__schema_on_older_models__where_no_tool_may_be_called__is_a_schema() -> None:
    body = asked(response_format=WANTED, tools=TOOLS, tool_choice="none", model=OLD)
    assert "tools" not in body
    assert body["generationConfig"]["responseJsonSchema"] == SCHEMA


def test_og8__json_beside_tools_on_older_models__is_asked_for_in_words() -> None:
    body = asked(response_format={"type": "json_object"}, tools=TOOLS, model=OLD)
    assert "generationConfig" not in body
    assert "JSON" in body["systemInstruction"]["parts"][0]["text"]
