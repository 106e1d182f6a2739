"""Tools, choices and structured answers of other dialects in OpenAI's wire: AO6, AO7, AO10."""

from typing import Any

import pytest

from apps.core.chat import AnswerFormat, Tool, ToolCall, ToolChoice
from tests.providers.openai_calls import (
    CLOCK,
    HELLO,
    WEATHER,
    outgoing,
    refusal,
    result,
    sent,
    turn,
)

NOTHING = {"type": "object", "properties": {}}
CLOSED = {
    "type": "object",
    "properties": {"type": {"type": "string"}},
    "required": ["type"],
    "additionalProperties": False,
}
OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}
LONG = "mcp__a-server-with-a-long-name__" + "x" * 60


def test_ao6__tools__keep_description_schema_and_strictness() -> None:
    strict = Tool("strict", schema=CLOSED, is_strict=True, cache_control={"type": "ephemeral"})
    found = outgoing(tools=(WEATHER, CLOCK, strict))
    functions = [tool["function"] for tool in found.body["tools"]]
    assert functions == [
        {"name": "weather", "description": "Tells it.", "parameters": dict(WEATHER.schema or {})},
        {"name": "clock", "parameters": NOTHING},
        {"name": "strict", "parameters": CLOSED, "strict": True},
    ]
    assert {tool["type"] for tool in found.body["tools"]} == {"function"}
    assert found.dropped == ("cache_control",)


def test_ao6__strict_tool_with_optional_arguments__is_sent_without_the_promise() -> None:
    """Anthropic keeps to such a schema; OpenAI refuses it as strict."""
    optional = {**CLOSED, "required": []}
    found = outgoing(tools=(Tool("strict", schema=optional, is_strict=True),))
    (tool,) = found.body["tools"]
    assert tool["function"] == {"name": "strict", "parameters": optional, "strict": False}
    assert found.dropped == ("tools.function.strict",)


def test_ao6__schema_without_a_type__is_an_object() -> None:
    (tool,) = sent(tools=(Tool("f", schema={"properties": {"a": {}}}),))["tools"]
    assert tool["function"]["parameters"] == {"type": "object", "properties": {"a": {}}}


@pytest.mark.parametrize("name", [LONG, LONG + "y", "a.b:c", "olá", ""])
def test_ao6__name_that_is_refused__is_made_legal_everywhere_and_mapped_back(name: str) -> None:
    turns = (HELLO, turn("assistant", ToolCall("a", name, "{}")), turn("user", result("a")))
    choice = ToolChoice("required", (name,))
    found = outgoing(*turns, tools=(Tool(name), CLOCK), tool_choice=choice)
    body = found.body
    short = body["tools"][0]["function"]["name"]
    assert 1 <= len(short) <= 64
    assert short.isascii()
    assert "." not in short
    assert body["messages"][1]["tool_calls"][0]["function"]["name"] == short
    assert body["tool_choice"]["function"]["name"] == short
    assert found.spelling.names.callers(short) == name


def test_ao6__two_long_names__stay_two() -> None:
    tools = sent(tools=(Tool(LONG + "a"), Tool(LONG + "b")))["tools"]
    assert len({tool["function"]["name"] for tool in tools}) == 2


def forced(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("required", ("clock",)), forced("clock")),
        (
            ToolChoice("auto", ("clock",)),
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [forced("clock")]},
            },
        ),
    ],
)
def test_ao7__choice__is_said_in_openais_words(choice: ToolChoice | None, expected: Any) -> None:
    body = sent(tools=(WEATHER, CLOCK), tool_choice=choice)
    assert body.get("tool_choice") == expected
    assert len(body["tools"]) == 2


@pytest.mark.parametrize("kind", ["vllm", "mistral", "compatible"])
def test_ao7__subset_for_a_server_without_a_word_for_it__is_all_that_it_gets(kind: str) -> None:
    choice = ToolChoice("required", ("clock", "weather"))
    third = Tool("third")
    body = sent(tools=(WEATHER, third, CLOCK), tool_choice=choice, kind=kind)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["weather", "clock"]
    assert body["tool_choice"] == "required"


def test_ao7__one_call_at_a_time__is_said() -> None:
    assert sent(tools=(CLOCK,), has_parallel_calls=False)["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in sent(tools=(CLOCK,))


def test_ao7__choice_without_tools__is_left_out_or_refused() -> None:
    body = sent(tool_choice=ToolChoice("auto"), has_parallel_calls=True)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)
    assert refusal(tool_choice=ToolChoice("required")).param == "tool_choice"
    assert refusal(tools=(CLOCK,), tool_choice=ToolChoice("auto", ("x",))).param == "tool_choice"


@pytest.mark.parametrize(
    ("schema", "is_strict", "expected"),
    [
        (CLOSED, None, True),
        (CLOSED, False, False),
        (OPEN, None, False),
        (OPEN, True, True),
        ({**CLOSED, "properties": {"type": {"type": "array", "items": OPEN}}}, None, False),
        ({**CLOSED, "properties": {"type": {"anyOf": [CLOSED, {"type": "null"}]}}}, None, True),
        ({**CLOSED, "$defs": {"x": OPEN}}, None, False),
        ({**CLOSED, "properties": {"properties": {"type": "string"}}}, None, False),
    ],
)
def test_ao10__schema__is_kept_strictly_where_the_provider_can(
    schema: dict[str, Any], is_strict: bool | None, expected: bool
) -> None:
    wanted = AnswerFormat("city", "A city.", schema, is_strict)
    assert sent(answer_format=wanted)["response_format"] == {
        "type": "json_schema",
        "json_schema": {
            "name": "city",
            "description": "A city.",
            "schema": schema,
            "strict": expected,
        },
    }


def test_ao10__schema_without_a_legal_name__gets_one() -> None:
    nameless = sent(answer_format=AnswerFormat(schema=OPEN))["response_format"]["json_schema"]
    spaced = sent(answer_format=AnswerFormat("a b", schema=OPEN))["response_format"]["json_schema"]
    assert nameless["name"] == "answer"
    assert spaced["name"].startswith("a_b")


def test_ao10__any_object__is_json_object() -> None:
    assert sent(answer_format=AnswerFormat())["response_format"] == {"type": "json_object"}


def test_ao10__server_that_keeps_to_no_schema__is_not_asked() -> None:
    error = refusal(answer_format=AnswerFormat(schema=OPEN), kind="deepseek")
    assert error.param == "response_format"
