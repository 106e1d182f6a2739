"""What a wrong conversion would send is refused as the vendor refuses it, by plain requests."""

import json
from http.client import HTTPConnection
from typing import Any

import pytest

from apps.providers.wire_servers.server import WireServer
from tests.providers.wire_servers.conftest import SECRET

USER: dict[str, Any] = {"role": "user", "content": "hi"}
KEYS = {
    "authorization": f"Bearer {SECRET}",
    "x-api-key": SECRET,
    "x-goog-api-key": SECRET,
}


def post(server: WireServer, path: str, body: Any, **headers: str) -> tuple[int, str]:
    """Return status and message."""
    raw = body if isinstance(body, str) else json.dumps(body)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", path, raw.encode(), headers)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return answer.status, (told.get("error") or {}).get("message", "")


def chat(server: WireServer, **options: Any) -> tuple[int, str]:
    body = {"model": "gpt-4.1-mini", "messages": [USER], **options}
    return post(server, "/v1/chat/completions", body, authorization=KEYS["authorization"])


def message(server: WireServer, **options: Any) -> tuple[int, str]:
    body = {"model": "claude-sonnet-4-5", "max_tokens": 10, "messages": [USER], **options}
    headers = {"x-api-key": SECRET, "anthropic-version": "2023-06-01"}
    body = {name: value for name, value in body.items() if value is not None}
    return post(server, "/v1/messages", body, **headers)


def generate(
    server: WireServer, model: str = "gemini-2.5-flash", **options: Any
) -> tuple[int, str]:
    body = {"contents": [{"parts": [{"text": "hi"}]}], **options}
    path = f"/v1beta/models/{model}:generateContent"
    return post(server, path, body, **{"x-goog-api-key": SECRET})


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ASKED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "x"}
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}
FUNCTION: dict[str, Any] = {"type": "function", "function": {"name": "f", "parameters": OBJECT}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"messages": []}, "empty array"),
        ({"model": ""}, "model parameter"),
        ({"messages": [USER, RESULT]}, "preceeding message"),
        ({"messages": [USER, ASKED, USER]}, "did not have response messages: call_1"),
        ({"messages": [USER, ASKED]}, "did not have response messages"),
        ({"messages": [USER, ASKED, USER, RESULT]}, "did not have response messages"),
        ({"messages": [USER, ASKED, RESULT | {"content": [IMAGE]}]}, "Image URLs are only"),
        ({"messages": [{"role": "model", "content": "hi"}]}, "Invalid value: 'model'"),
        ({"messages": [{"role": "user", "content": None}]}, "got null"),
        ({"messages": [USER, {"role": "assistant", "content": "", "tool_calls": []}]}, "empty"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_use"}]}]}, "Invalid value"),
        (
            {"messages": [USER, ASKED | {"tool_calls": [CALL | {"function": {"name": "f"}}]}]},
            "expected a string",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "hi", "cache_control": {}}],
                    }
                ]
            },
            "Unknown parameter",
        ),
        ({"thinking": {"type": "enabled"}}, "Unrecognized request argument"),
        ({"temperature": 2.1}, "temperature"),
        ({"metadata": {"a": "b"}}, "only allowed when 'store'"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, "at the same time"),
        ({"model": "gpt-5-mini", "max_tokens": 5}, "Use 'max_completion_tokens'"),
        ({"model": "o3", "temperature": 0.5}, "does not support 0.5"),
        ({"stop": list("abcde")}, "at most 4"),
        ({"stream_options": {"include_usage": True}}, "only allowed when 'stream'"),
        ({"tool_choice": "auto"}, "only allowed when 'tools'"),
        ({"parallel_tool_calls": False}, "only allowed when 'tools'"),
        ({"tools": []}, "empty array"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "does not match"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}, "schema"),
        (
            {"tools": [{"type": "function", "function": FUNCTION["function"] | {"strict": True}}]},
            "'additionalProperties' is required",
        ),
        ({"messages": "hi"}, "empty array"),
        ({"messages": [{"role": "user", "content": 5}]}, "Invalid type"),
    ],
)
def test_chat__what_openai_refuses__is_400(
    server: WireServer, options: dict[str, Any], said: str
) -> None:
    status, told = chat(server, **options)
    assert status == 400
    assert said in told
    assert server.received[-1].refusal == told


def test_chat__a_round_of_tools__is_accepted(server: WireServer) -> None:
    messages = [USER, ASKED, RESULT, USER, ASKED | {"content": ""}, RESULT]
    assert chat(server, messages=messages, tools=[FUNCTION])[0] == 200
    developer = {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]}
    user = {"role": "user", "content": [IMAGE, {"type": "text", "text": "hi"}]}
    assert chat(server, messages=[developer, user], temperature=1.9)[0] == 200


def test_chat__compatible_server__accepts_unknown_parameters(server: WireServer) -> None:
    assert chat(server, model="script:compatible", top_k=5)[0] == 200


USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
USED = {"role": "assistant", "content": [USE]}
DONE = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}
TEXT_BLOCK = {"type": "text", "text": "hi"}
TOOL = {"name": "f", "input_schema": OBJECT}
MARKED = TEXT_BLOCK | {"cache_control": {"type": "ephemeral"}}
THINK = {"type": "enabled", "budget_tokens": 1024}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "greater than or equal to 1"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "system", "content": "x"}, USER]}, "top-level `system`"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 'must use the "user" role'),
        ({"messages": [user()]}, "must have non-empty content"),
        ({"messages": [user({"type": "text", "text": ""})]}, "must be non-empty"),
        ({"messages": [user({"type": "text", "text": " "})]}, "non-whitespace"),
        ({"messages": [user({"type": "image_url"})]}, "does not match any tag"),
        ({"messages": [USER, {"role": "assistant", "content": "x "}]}, "trailing whitespace"),
        ({"messages": [USER, USED, USER]}, "without `tool_result` blocks immediately after"),
        ({"messages": [USER, USED]}, "without `tool_result` blocks immediately after"),
        ({"messages": [USER, USED, user(TEXT_BLOCK, DONE)]}, "immediately after: toolu_1"),
        ({"messages": [user(DONE)]}, "unexpected `tool_use_id`"),
        ({"messages": [USER, USED, user(DONE), user(DONE)]}, "unexpected `tool_use_id`"),
        (
            {"messages": [USER, {"role": "assistant", "content": [USE | {"id": "a.b"}]}]},
            "should match pattern",
        ),
        (
            {"messages": [USER, {"role": "assistant", "content": [USE | {"input": "{}"}]}]},
            "valid dictionary",
        ),
        ({"messages": [USER, USED, user(DONE), USED, user(DONE)]}, "must be unique"),
        ({"messages": [USER, USED, user(DONE)]}, "must define tools"),
        ({"temperature": 1.7}, "temperature: range: 0..1"),
        ({"temperature": 0.5, "top_p": 0.5}, "cannot both be specified"),
        ({"stop_sequences": [" "]}, "non-whitespace"),
        ({"frequency_penalty": 1}, "Extra inputs are not permitted"),
        ({"system": [MARKED] * 3, "messages": [user(MARKED, MARKED)]}, "Found 5"),
        ({"tools": [{"name": "f", "parameters": OBJECT}]}, "input_schema: Field required"),
        ({"tools": [TOOL, TOOL]}, "must be unique"),
        ({"tools": [TOOL], "tool_choice": "auto"}, "does not match any tag"),
        ({"tool_choice": {"type": "any"}}, "while providing tools"),
        ({"thinking": THINK}, "must be greater than `thinking.budget_tokens`"),
        ({"thinking": THINK | {"budget_tokens": 5}}, "greater than or equal to 1024"),
        ({"max_tokens": 2000, "thinking": THINK, "temperature": 0.5}, "may only be set to 1"),
        (
            {
                "max_tokens": 2000,
                "thinking": THINK,
                "tools": [TOOL],
                "tool_choice": {"type": "any"},
            },
            "forces tool use",
        ),
    ],
)
def test_message__what_anthropic_refuses__is_400(
    server: WireServer, options: dict[str, Any], said: str
) -> None:
    status, told = message(server, **options)
    assert status == 400
    assert said.lower() in told.lower()


def test_message__a_round_of_tools__is_accepted(server: WireServer) -> None:
    messages = [USER, USED, user(DONE, TEXT_BLOCK), {"role": "assistant", "content": "And"}]
    assert message(server, messages=messages, tools=[TOOL], system=[MARKED])[0] == 200


def test_message__without_a_version__is_400(server: WireServer) -> None:
    status, told = post(server, "/v1/messages", {}, **{"x-api-key": SECRET})
    assert (status, told) == (400, "anthropic-version: header is required")


def turn(role: str, *parts: Any) -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


HI = {"text": "hi"}
CALLED = {"functionCall": {"name": "f", "args": {}}}
ANSWERED = {"functionResponse": {"name": "f", "response": {"result": 1}}}


def declared(parameters: Any, **options: Any) -> dict[str, Any]:
    return {"tools": [{"functionDeclarations": [{"name": "f", "parameters": parameters}]}]}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"contents": []}, "contents is not specified"),
        ({"contents": [turn("assistant", HI)]}, "valid role: user, model"),
        ({"contents": [turn("system", HI)]}, "valid role: user, model"),
        ({"contents": [turn("user")]}, "parts must not be empty"),
        ({"contents": [turn("user", {})]}, "required oneof field 'data'"),
        ({"contents": [turn("user", HI), turn("user", ANSWERED)]}, "comes immediately after"),
        (
            {"contents": [turn("user", HI), turn("model", CALLED), turn("user", HI)]},
            "number of function response parts",
        ),
        (
            {"contents": [turn("user", HI), turn("model", CALLED, CALLED), turn("user", ANSWERED)]},
            "number of function response parts",
        ),
        ({"contents": [turn("model", CALLED), turn("user", ANSWERED)]}, "after a user turn"),
        ({"contents": [turn("user", {"functionResponse": {"response": {}}})]}, "Name cannot be"),
        (
            {"contents": [turn("user", {"functionResponse": {"name": "f", "response": "x"}})]},
            "google.protobuf.Struct",
        ),
        (declared(OBJECT | {"additionalProperties": False}), 'Unknown name "additionalProperties"'),
        (declared({"type": "object", "properties": {"a": {"$ref": "#"}}}), 'Unknown name "$ref"'),
        (declared({"type": ["string", "null"]}), "cannot start list"),
        (declared({"type": "object", "properties": {}}), "should be non-empty"),
        ({"tools": [{"functionDeclarations": [{"name": "a b"}]}]}, "Invalid function name"),
        (
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
            "without function declarations",
        ),
        ({"generationConfig": {"maxTokens": 5}}, 'Unknown name "maxTokens"'),
        ({"generationConfig": {"temperature": 2.1}}, "must be in the range"),
        ({"generationConfig": {"stop_sequences": list("abcdef")}}, "at most 5"),
        ({"generationConfig": {"responseSchema": OBJECT}}, "must be application/json"),
        ({"messages": []}, 'Unknown name "messages"'),
        (
            declared(OBJECT) | {"generationConfig": {"responseMimeType": "application/json"}},
            "is unsupported",
        ),
    ],
)
def test_generate__what_gemini_refuses__is_400(
    server: WireServer, options: dict[str, Any], said: str
) -> None:
    status, told = generate(server, **options)
    assert status == 400
    assert said in told


def test_generate__both_spellings_and_keyword_names__are_accepted(server: WireServer) -> None:
    names = {"additionalProperties": {"type": "STRING"}, "max_items": {"type": "INTEGER"}}
    schema = {"type": "OBJECT", "properties": names, "required": ["max_items"]}
    declaration = {"function_declarations": [{"name": "f", "parameters": schema}]}
    contents = [turn("user", HI), turn("model", CALLED), turn("user", ANSWERED)]
    config = {"max_output_tokens": 5, "stopSequences": ["a"]}
    assert generate(server, contents=contents, tools=[declaration], generation_config=config) == (
        200,
        "",
    )


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/nothing"])
def test_any__no_json_or_unknown_path__is_told_in_the_vendors_envelope(
    server: WireServer, path: str
) -> None:
    headers = {"authorization": KEYS["authorization"], "anthropic-version": "2023-06-01"}
    status, told = post(server, path, "{broken", **headers)
    assert status in (400, 404)
    assert told


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/models/x:y"])
def test_any__no_key__is_refused(server: WireServer, path: str) -> None:
    assert post(server, path, {"a": 1})[0] in (401, 403)
