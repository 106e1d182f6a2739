"""Tools, choices and schemas: what each vendor takes and what it refuses, by plain requests."""

from typing import Any

import pytest

from apps.providers.wire_servers.server import WireServer
from tests.providers.wire_servers.test_refusals import HI, KEYS, chat, generate, message, post, turn

OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED = OPEN | {"additionalProperties": False, "required": ["a"]}
CHAT_TOOL = {"type": "function", "function": {"name": "f", "parameters": CLOSED, "strict": True}}
FLAT_TOOL = {"type": "function", "name": "f", "parameters": CLOSED, "strict": True}
DECLARED = [{"functionDeclarations": [{"name": "f", "parameters": OPEN}]}]


def respond(server: WireServer, **options: Any) -> tuple[int, str]:
    body = {"model": "gpt-5-mini", "input": "hi", **options}
    return post(server, "/v1/responses", body, authorization=KEYS["authorization"])


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def wanted(schema: Any, **options: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"schema": schema, "strict": True, **options}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tools": [CHAT_TOOL], "tool_choice": named("f")}, ""),
        ({"tools": [CHAT_TOOL], "tool_choice": named("g")}, "not found in 'tools'"),
        ({"tools": [CHAT_TOOL], "tool_choice": "any"}, "Invalid value: 'any'"),
        ({"response_format": wanted(CLOSED, name="n")}, ""),
        ({"response_format": wanted(CLOSED)}, "json_schema.name"),
        ({"response_format": wanted(OPEN, name="n")}, "'additionalProperties' is required"),
        (
            {"response_format": wanted(CLOSED | {"required": []}, name="n")},
            "every key in properties",
        ),
        (
            {"response_format": wanted({"anyOf": [OPEN]}, name="n")},
            "'additionalProperties' is required",
        ),
    ],
)
def test_chat__choice_and_schema__are_checked(
    server: WireServer, options: dict[str, Any], said: str
) -> None:
    status, told = chat(server, **options)
    assert status == (400 if said else 200)
    assert said in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tools": [FLAT_TOOL], "tool_choice": {"type": "function", "name": "f"}}, ""),
        ({"tools": [FLAT_TOOL], "tool_choice": {"type": "function", "name": "g"}}, "not found"),
        ({"tools": [FLAT_TOOL], "tool_choice": "any"}, "Invalid value: 'any'"),
        ({"tools": [CHAT_TOOL]}, "'tools[0].name'"),
        ({"max_output_tokens": 15}, "minimum value 16"),
        ({"messages": []}, "Unrecognized request argument"),
        ({"input": ""}, "'input'"),
        ({"input": [{"type": "tool_use"}]}, "Invalid value: 'tool_use'"),
        ({"text": {"format": {"type": "json_schema", "schema": CLOSED}}}, "text.format.name"),
    ],
)
def test_response__tools_and_limits__are_checked(
    server: WireServer, options: dict[str, Any], said: str
) -> None:
    status, told = respond(server, **options)
    assert status == (400 if said else 200)
    assert said in told


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ""),
        ({"mode": "ANY", "allowed_function_names": ["g"]}, "not declared: g"),
        ({"mode": "AUTO", "allowedFunctionNames": ["f"]}, "only when function calling mode is ANY"),
        ({"mode": "required"}, "Invalid value"),
    ],
)
def test_generate__choice__is_checked(
    server: WireServer, choice: dict[str, Any], said: str
) -> None:
    config = {"functionCallingConfig": choice}
    status, told = generate(server, tools=DECLARED, toolConfig=config)
    assert status == (400 if said else 200)
    assert said in told


def test_generate__array_and_variants__are_checked_inside(server: WireServer) -> None:
    for inner in ({"items": {"const": 1}}, {"anyOf": [{"const": 1}]}):
        tools = [{"functionDeclarations": [{"name": "f", "parameters": inner}]}]
        status, told = generate(server, tools=tools)
        assert (status, 'Unknown name "const"' in told) == (400, True)


def test_message__named_tool__must_be_there(server: WireServer) -> None:
    tools = [{"name": "f", "input_schema": OPEN}]
    for name, status in (("f", 200), ("g", 400)):
        choice = {"type": "tool", "name": name}
        assert message(server, tools=tools, tool_choice=choice)[0] == status


def test_generate__empty_instruction__is_refused(server: WireServer) -> None:
    contents = [turn("user", HI)]
    assert generate(server, contents=contents, systemInstruction={"parts": [HI]})[0] == 200
    assert generate(server, contents=contents, systemInstruction={"parts": []})[0] == 400


def test_count__of_a_whole_request__counts_its_instruction(server: WireServer) -> None:
    body = {"generateContentRequest": {"contents": [turn("user", HI)]}}
    path = "/v1beta/models/gemini-2.5-flash:countTokens"
    assert post(server, path, body, **{"x-goog-api-key": KEYS["x-goog-api-key"]}) == (200, "")
