"""What Gemini's bodies ask beside their contents: tools, choices, formats. GI3."""

from typing import Any

import pytest

from apps.core.chat import (
    AnswerFormat,
    ChatDetails,
    Message,
    Reasoning,
    Text,
    Tool,
    ToolChoice,
    Turn,
)
from apps.gateway.wire.gemini.request import parse
from tests.gateway.gemini_bodies import (
    CLOCK,
    HELLO,
    ROME,
    details,
    model,
    read,
    refused,
    result,
    user,
)

CONFIG: dict[str, Any] = {
    "temperature": 0.5,
    "topP": 0.9,
    "topK": 40.0,
    "maxOutputTokens": 100,
    "stopSequences": ["END"],
    "candidateCount": 1,
    "seed": -3,
    "presencePenalty": 0.25,
    "frequencyPenalty": -0.5,
    "responseMimeType": "application/json",
    "responseJsonSchema": {"type": "object", "properties": {"snake_name": {}}},
    "responseLogprobs": True,
    "logprobs": 2,
    "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 512},
    "responseModalities": ["TEXT"],
}
SNAKE_CONFIG = {
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 40,
    "max_output_tokens": 100,
    "stop_sequences": ["END"],
    "candidate_count": 1,
    "seed": -3,
    "presence_penalty": 0.25,
    "frequency_penalty": -0.5,
    "response_mime_type": "application/json",
    "response_json_schema": {"type": "object", "properties": {"snake_name": {}}},
    "response_logprobs": True,
    "logprobs": 2,
    "thinking_config": {"include_thoughts": True, "thinking_budget": 512},
    "response_modalities": ["TEXT"],
}


@pytest.mark.parametrize(
    "body",
    [
        {"generationConfig": CONFIG, "unknownKey": None, "tools": []},
        {"generation_config": SNAKE_CONFIG, "unknown_key": None},
    ],
)
def test_gi3__every_option_in_both_spellings__is_read(body: dict[str, Any]) -> None:
    chat = read({**HELLO, **body}, is_streamed=True)
    assert (chat.model, chat.dialect, chat.stream) == ("pro", "gemini", True)
    assert (chat.temperature, chat.top_p, chat.stop) == (0.5, 0.9, ("END",))
    assert chat.max_output_tokens == 100
    assert chat.needs == {"streaming", "json_schema", "reasoning"}
    assert chat.details() == ChatDetails(
        turns=(Turn("user", (Text("Hi"),)),),
        answer_format=AnswerFormat(schema=CONFIG["responseJsonSchema"]),
        reasoning=Reasoning(budget_tokens=512),
        top_k=40,
        seed=-3,
        top_logprobs=2,
        presence_penalty=0.25,
        frequency_penalty=-0.5,
    )


def test_gi3__unknown_keys__pass_to_gemini_and_are_named_to_others() -> None:
    settings = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    body = {
        **HELLO,
        "safetySettings": settings,
        "not_yet_known": {"a": 1},
        "generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW", "seed": 1},
        "toolConfig": {"retrievalConfig": {"languageCode": "pt"}},
        "labels": {"team": "blue"},
    }
    chat = read(body)
    assert {name: chat.body()[name] for name in body if name != "contents"} == {
        name: body[name] for name in body if name != "contents"
    }
    assert set(chat.details().others) == {
        "safetySettings",
        "notYetKnown",
        "generationConfig.mediaResolution",
        "toolConfig.retrievalConfig",
    }
    assert chat.metadata == {"team": "blue"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"contents": []}, "contents"),
        ({"contents": None}, "contents"),
        ({"contents": [1]}, "contents[0]"),
        ({"contents": [{"role": "system", "parts": ["x"]}]}, "contents[0].role"),
        ({"contents": [{"parts": []}]}, "contents[0].parts"),
        ({"contents": [{"parts": [1]}]}, "contents[0].parts[0]"),
        ({"contents": [{"parts": [{"text": 1}]}]}, "contents[0].parts[0].text"),
        ({"systemInstruction": 1}, "systemInstruction"),
        ({"generationConfig": []}, "generationConfig"),
        ({"generationConfig": {"candidateCount": 9}}, "candidateCount"),
        ({"generationConfig": {"temperature": 3}}, "temperature"),
        ({"generationConfig": {"maxOutputTokens": 0}}, "maxOutputTokens"),
        ({"tools": [1]}, "tools[0]"),
    ],
)
def test_gi3__wrong_field__is_named(fields: dict[str, Any], param: str) -> None:
    assert refused({**HELLO, **fields}) == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"googleSearch": {}}]}, "tools[0].googleSearch"),
        ({"tools": [{"code_execution": {}}]}, "tools[0].codeExecution"),
        ({"tools": {"urlContext": {}}}, "tools[0].urlContext"),
        ({"tools": [{"functionDeclarations": {"name": "a"}}]}, "tools[0].functionDeclarations"),
        ({"tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0]"),
        ({"cachedContent": "cachedContents/1"}, "cachedContent"),
        ({"generationConfig": {"responseModalities": ["IMAGE"]}}, "responseModalities"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "responseMimeType"),
        ({"generationConfig": {"responseFormat": [{"image": {}}]}}, "responseFormat"),
        ({"generationConfig": {"topK": 1.5}}, "topK"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "SOME"}}}, "mode"),
    ],
)
def test_gi3__what_only_google_has__is_refused_by_name_for_other_providers(
    fields: dict[str, Any], param: str
) -> None:
    told = refused({**HELLO, **fields}, in_full=True)
    assert told is not None
    assert told.endswith(param)
    # Google itself may take it, or say what is wrong.
    assert {name: read({**HELLO, **fields}).body()[name] for name in fields} == fields


def test_gi3__functions_with_either_schema__are_tools_in_json_schema() -> None:
    tools = [
        {
            "function_declarations": [
                {
                    "name": "weather",
                    "description": "Of a city",
                    "parameters": {
                        "type": "OBJECT",
                        "properties": {
                            "type": {"type": "STRING", "format": "enum", "enum": ["now"]},
                            "days": {"type": "INTEGER", "format": "int32", "nullable": True},
                            "any_of": {
                                "any_of": [{"type": "STRING"}, {"type": "NUMBER"}],
                                "nullable": True,
                            },
                            "list": {
                                "type": "ARRAY",
                                "min_items": "2",
                                "items": {"type": "STRING", "format": "date-time"},
                            },
                        },
                        "propertyOrdering": ["days"],
                        "required": ["days"],
                    },
                },
                {"name": "clock"},
            ]
        },
        {"functionDeclarations": [{"name": "raw", "parameters_json_schema": {"$ref": "#"}}]},
    ]
    found = details(tools=tools).tools
    assert found == (
        Tool(
            "weather",
            "Of a city",
            {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": ["now"]},
                    "days": {"type": ["integer", "null"]},
                    "any_of": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
                    "list": {
                        "type": "array",
                        "minItems": 2,
                        "items": {"type": "string", "format": "date-time"},
                    },
                },
                "required": ["days"],
            },
        ),
        Tool("clock"),
        Tool("raw", schema={"$ref": "#"}),
    )
    assert read({**HELLO, "tools": tools}).needs == {"tools"}


def test_gi3__schema_without_bottom__is_refused() -> None:
    schema: dict[str, Any] = {"type": "STRING"}
    for _ in range(200):
        schema = {"type": "ARRAY", "items": schema}
    fields = {"generationConfig": {"responseSchema": schema}}
    told = refused({**HELLO, **fields}, in_full=True)
    assert told is not None
    assert told.startswith("generationConfig.responseSchema")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"mode": "AUTO"}, ToolChoice("auto")),
        ({"mode": "AUTO", "allowedFunctionNames": ["a"]}, ToolChoice("auto")),
        ({"mode": "any"}, ToolChoice("required")),
        ({"mode": "ANY", "allowed_function_names": ["a"]}, ToolChoice("required", ("a",))),
        ({"mode": "NONE"}, ToolChoice("none")),
        ({"mode": "VALIDATED", "allowedFunctionNames": ["a"]}, ToolChoice("auto", ("a",))),
        ({"mode": "MODE_UNSPECIFIED"}, None),
        ({}, None),
    ],
)
def test_gi3__choice_of_functions__is_mapped(choice: Any, expected: ToolChoice | None) -> None:
    assert details(tool_config={"function_calling_config": choice}).tool_choice == expected


@pytest.mark.parametrize(
    ("thinking", "expected", "needs"),
    [
        ({"thinkingLevel": "HIGH"}, Reasoning("high"), {"reasoning"}),
        ({"thinking_level": "minimal"}, Reasoning("minimal"), {"reasoning"}),
        ({"thinkingBudget": 0}, Reasoning(budget_tokens=0), set()),
        ({"thinkingBudget": -1}, Reasoning(budget_tokens=-1), set()),
        ({"includeThoughts": True}, None, set()),
    ],
)
def test_gi3__thinking__is_mapped(
    thinking: Any, expected: Reasoning | None, needs: set[str]
) -> None:
    chat = read({**HELLO, "generationConfig": {"thinkingConfig": thinking}})
    assert chat.details().reasoning == expected
    assert chat.needs == needs


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"responseMimeType": "application/json"}, AnswerFormat()),
        ({"responseMimeType": "text/plain"}, None),
        (
            {"responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "BOOLEAN"}}}},
            AnswerFormat(schema={"type": "object", "properties": {"a": {"type": "boolean"}}}),
        ),
    ],
)
def test_gi3__structured_answers__are_mapped(config: Any, expected: AnswerFormat | None) -> None:
    assert details(generationConfig=config).answer_format == expected


@pytest.mark.parametrize(
    ("part", "need"),
    [
        ({"inlineData": {"mimeType": "image/png", "data": ""}}, {"vision"}),
        ({"file_data": {"mime_type": "audio/wav", "file_uri": ""}}, {"audio"}),
        ({"inlineData": {"mimeType": "application/pdf", "data": ""}}, {"files"}),
        ({"inlineData": {"mimeType": "text/csv", "data": ""}}, set()),
        (ROME, {"tools"}),
        (result("weather", {}), {"tools"}),
    ],
)
def test_needs__of_a_part__are_the_catalogues_capabilities(part: Any, need: set[str]) -> None:
    assert read({"contents": [user(part)]}).needs == need


def test_messages__of_thoughts__say_nothing_to_rules() -> None:
    thought = {"text": "secret", "thought": True}
    chat = read({"contents": [user("Hi"), model(thought, {"text": "So."})]})
    assert chat.messages[1] == Message("assistant", "So.")


def test_messages__of_results__are_texts_that_count() -> None:
    chat = read({"contents": [user("Hi"), model(CLOCK), user(result("clock", {"now": "noon"}))]})
    assert chat.messages[1:] == (Message("assistant", ""), Message("tool", '{"now":"noon"}'))


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("models/vendor/with/slashes", "vendor/with/slashes"),
        ("tunedModels/mine", "tunedModels/mine"),
    ],
)
def test_gi1__model_of_the_address__is_the_one_asked_for(resource: str, name: str) -> None:
    assert parse({**HELLO, "model": "models/another"}, model=resource).model == name
