"""OpenAI's tools and structured answers as Anthropic's. OA13 to OA16, OA21."""

from typing import Any

import pytest

from tests.providers.anthropic_calls import (
    CLOCK,
    HELLO,
    MANUAL,
    NEW,
    OLD,
    WEATHER,
    asked,
    calling,
    outgoing,
    refusal,
    result,
)

TOOLS = [WEATHER, CLOCK]
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
IN_SCHEMA = {"type": "json_schema", "json_schema": {"name": "count", "schema": SCHEMA}}


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def allowed(mode: str, *names: str) -> dict[str, Any]:
    tools = [named(name) for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def test_oa13__schema__is_passed_on_unchanged() -> None:
    first, second = asked(tools=TOOLS)["tools"]
    assert first["input_schema"] == WEATHER["function"]["parameters"]
    assert (first["name"], first["description"]) == ("weather", "Tells it.")
    assert second == {"name": "clock", "input_schema": {"type": "object", "properties": {}}}


def test_oa13__strict__is_kept_where_the_model_knows_it() -> None:
    strict = {"type": "function", "function": {**WEATHER["function"], "strict": True}}
    assert asked(tools=[strict])["tools"][0]["strict"] is True
    old = outgoing(tools=[strict], model=OLD)
    assert "strict" not in old.body["tools"][0]
    assert old.dropped == ["tools.function.strict"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("auto", None),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        (named("clock"), {"type": "tool", "name": "clock"}),
        (allowed("auto", "clock"), None),
        (allowed("required", "clock"), {"type": "tool", "name": "clock"}),
        (allowed("required", "clock", "weather"), {"type": "any"}),
    ],
)
def test_oa14__tool_choice__has_its_own_word_there(choice: Any, expected: Any) -> None:
    assert asked(tools=TOOLS, tool_choice=choice).get("tool_choice") == expected


def test_oa14__allowed_tools__are_the_only_ones_that_are_told() -> None:
    tools = asked(tools=TOOLS, tool_choice=allowed("auto", "clock"))["tools"]
    assert [tool["name"] for tool in tools] == ["clock"]


def test_oa14__no_tools_wanted__still_tells_the_tools_of_the_history() -> None:
    found = asked(HELLO, calling("a"), result("a"), tools=TOOLS, tool_choice="none")
    assert [tool["name"] for tool in found["tools"]] == ["weather", "clock"]
    assert found["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    "body",
    [
        {"tool_choice": "required"},
        {"tools": TOOLS, "tool_choice": named("unknown")},
        {"tools": TOOLS, "tool_choice": allowed("auto", "unknown")},
        {"tools": TOOLS, "tool_choice": "always"},
        {"tools": TOOLS, "tool_choice": {"type": "function"}},
    ],
)
def test_oa14__choice_that_makes_no_sense__is_refused_by_name(body: dict[str, Any]) -> None:
    assert refusal(**body).param == "tool_choice"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", {"type": "any", "disable_parallel_tool_use": True}),
        ("none", {"type": "none"}),
    ],
)
def test_oa15__no_parallel_calls__is_said_with_or_without_a_choice(
    choice: str | None, expected: dict[str, Any]
) -> None:
    found = asked(tools=TOOLS, tool_choice=choice, parallel_tool_calls=False)
    assert found["tool_choice"] == expected


def test_oa15__parallel_calls__need_no_word() -> None:
    assert "tool_choice" not in asked(tools=TOOLS, parallel_tool_calls=True)


def test_oa16__history_with_calls_but_no_tools__gets_stubs_and_calls_nothing() -> None:
    found = asked(HELLO, calling("a", "b"), result("a"), result("b"))
    stub = {"name": "weather", "input_schema": {"type": "object", "properties": {}}}
    assert found["tools"] == [stub]
    assert found["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize("model", [NEW, MANUAL, "claude-opus-4-1-20250805", "a-name-of-my-own"])
def test_oa21__schema__goes_where_the_model_keeps_to_it(model: str) -> None:
    found = outgoing(
        model=model, response_format=IN_SCHEMA, tools=TOOLS, max_completion_tokens=9_000
    )
    arguments = found.body
    assert arguments["output_config"]["format"] == {"type": "json_schema", "schema": SCHEMA}
    assert [tool["name"] for tool in arguments["tools"]] == ["weather", "clock"]
    assert "tool_choice" not in arguments
    assert found.answer_tool == ""


def test_oa21__schema_and_thinking__go_together() -> None:
    found = asked(model=NEW, response_format=IN_SCHEMA, reasoning_effort="low")
    assert set(found["output_config"]) == {"format", "effort"}
    assert found["thinking"] == {"type": "adaptive", "display": "summarized"}


def test_oa21__older_model__fills_in_a_tool_instead() -> None:
    found = outgoing(model=OLD, response_format=IN_SCHEMA)
    (tool,) = found.body["tools"]
    assert tool["input_schema"] == SCHEMA
    assert found.body["tool_choice"] == {"type": "tool", "name": tool["name"]}
    assert found.answer_tool == tool["name"]


def test_oa21__older_model_with_the_callers_tools__chooses_among_them_and_the_answer() -> None:
    found = outgoing(model=OLD, response_format=IN_SCHEMA, tools=TOOLS)
    names = [tool["name"] for tool in found.body["tools"]]
    assert names == ["weather", "clock", found.answer_tool]
    assert found.body["tool_choice"] == {"type": "any"}


def test_oa21__forced_answer_tool_and_thinking__turns_thinking_off_and_tells() -> None:
    model = "claude-3-7-sonnet-20250219"
    found = outgoing(model=model, response_format=IN_SCHEMA, reasoning_effort="high")
    assert "thinking" not in found.body
    assert found.dropped == ["reasoning_effort"]


def test_oa21__json_without_a_schema__is_an_instruction() -> None:
    found = asked(
        {"role": "system", "content": "Be brief."},
        HELLO,
        response_format={"type": "json_object"},
    )
    assert found["system"].startswith("Be brief.\n\n")
    assert "JSON object" in found["system"]


@pytest.mark.parametrize(
    "wanted",
    [{"type": "json_schema"}, {"type": "json_schema", "json_schema": {"name": "x"}}, {"type": 5}],
)
def test_oa21__faulty_format__is_refused_by_name(wanted: dict[str, Any]) -> None:
    assert str(refusal(response_format=wanted).param).startswith("response_format")
