"""Gemini's bodies as the router reads them. GI2 and GI3."""

import base64
from typing import Any

import pytest

from apps.core.chat import (
    AnswerFormat,
    Audio,
    ChatDetails,
    ChatRequest,
    File,
    Image,
    Message,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from apps.core.errors import InvalidRequest
from apps.gateway.wire.gemini.request import parse
from apps.gateway.wire.gemini.signatures import wrap

HELLO: dict[str, Any] = {"contents": [{"parts": [{"text": "Hi"}]}]}
ROME = {"functionCall": {"name": "weather", "args": {"city": "Roma"}}}
PARIS = {"functionCall": {"name": "weather", "args": {"city": "Paris"}}}
CLOCK = {"functionCall": {"name": "clock"}}
SIGNED = Thinking("Hm.", "sig-1", origin="anthropic")
# What clients that keep bytes make of "+/+/", and leave unpadded.
URLSAFE = "-_-_YQ"


def read(body: dict[str, Any], *, is_streamed: bool = False) -> ChatRequest:
    return parse(body, model="models/pro", is_streamed=is_streamed)


def details(**fields: Any) -> ChatDetails:
    return read({**HELLO, **fields}).details()


def turns(*contents: Any, **fields: Any) -> tuple[Turn, ...]:
    return read({"contents": list(contents), **fields}).details().turns


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def result(name: str, response: Any, **fields: Any) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": response, **fields}}


def ids_of(turn: Turn) -> list[str]:
    calls = [part.id for part in turn.parts if isinstance(part, ToolCall)]
    return calls + [part.call_id for part in turn.parts if isinstance(part, ToolResult)]


def refused(body: dict[str, Any], *, in_full: bool = False) -> str | None:
    """Return the field that is named."""
    with pytest.raises(InvalidRequest) as told:
        (read(body).details if in_full else lambda: read(body))()
    return told.value.param


@pytest.mark.parametrize(
    "contents",
    [
        "Hi",
        {"text": "Hi"},
        {"parts": [{"text": "Hi"}]},
        ["Hi"],
        [{"text": "Hi"}],
        [{"parts": "Hi"}],
        [{"parts": ["Hi"]}],
        [{"parts": {"text": "Hi"}}],
        [{"role": None, "parts": [{"text": "Hi"}]}],
        [{"role": "user", "parts": [{"text": "Hi"}, {"text": ""}]}],
    ],
)
def test_gi2__contents_in_any_shorthand__are_one_turn_of_the_user(contents: Any) -> None:
    chat = read({"contents": contents})
    assert chat.messages == (Message("user", "Hi"),)
    assert chat.details().turns == (Turn("user", (Text("Hi"),)),)
    sent = chat.body()["contents"]
    assert [content["role"] for content in sent] == ["user"]
    assert sent[0]["parts"][0] == {"text": "Hi"}


@pytest.mark.parametrize("name", ["systemInstruction", "system_instruction"])
@pytest.mark.parametrize("given", ["Be kind", {"text": "Be kind"}, {"parts": ["Be kind"]}])
def test_gi2__system_instruction_in_any_shape__is_the_first_turn(name: str, given: Any) -> None:
    chat = read({**HELLO, name: given})
    assert chat.messages == (Message("system", "Be kind"), Message("user", "Hi"))
    assert chat.details().turns[0] == Turn("system", (Text("Be kind"),))
    assert chat.body()[name] == {"parts": [{"text": "Be kind"}]}


def test_gi2__media__are_images_sounds_and_files_in_the_usual_base64() -> None:
    (turn,) = turns(
        user(
            {"inlineData": {"mimeType": "image/png", "data": URLSAFE}},
            {"inline_data": {"mime_type": "audio/mpeg", "data": URLSAFE}},
            {"inlineData": {"mimeType": "application/pdf", "data": "YQ==", "displayName": "a"}},
            {"inlineData": {"mimeType": "text/plain", "data": "w6k"}},
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://a.example/b.jpg"}},
            {"file_data": {"mime_type": "application/pdf", "file_uri": "https://a.example/b"}},
        )
    )
    assert turn.parts == (
        Image(data="+/+/YQ==", media_type="image/png"),
        Audio("+/+/YQ==", "mp3"),
        File(data="YQ==", media_type="application/pdf", name="a"),
        Text("é"),
        Image(url="https://a.example/b.jpg"),
        File(url="https://a.example/b", media_type="application/pdf"),
    )


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"inlineData": {"mimeType": "video/mp4", "data": "YQ=="}}, "inlineData.mimeType"),
        ({"inlineData": {"data": "YQ=="}}, "inlineData.mimeType"),
        ({"inlineData": {"mimeType": "image/png"}}, "inlineData.data"),
        ({"inlineData": {"mimeType": "text/plain", "data": "a"}}, "inlineData.data"),
        ({"fileData": {"fileUri": "gs://bucket/a"}}, "fileData.fileUri"),
        ({"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}}, "fileData.fileUri"),
        (
            {
                "fileData": {
                    "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/a",
                    "mimeType": "image/png",
                }
            },
            "fileData.fileUri",
        ),
        ({"somethingNew": {}}, ""),
    ],
)
def test_gi2__what_only_google_reads__is_refused_by_name_for_other_providers(
    part: dict[str, Any], param: str
) -> None:
    body = {"contents": [user(part)]}
    at = f"contents[0].parts[0].{param}".removesuffix(".")
    assert refused(body, in_full=True) == at
    # Google itself gets it.
    assert read(body).body()["contents"] == [user(part)]


def test_gi2__calls_without_ids__get_the_same_ones_in_every_later_request() -> None:
    history = [
        user("Hi"),
        model(ROME, PARIS, CLOCK),
        user(result("clock", {}), result("weather", {"output": "sun"}), result("weather", "fog")),
        model(ROME),
        {"role": "function", "parts": [result("weather", {"a": 1})]},
    ]
    found = turns(*history)
    assert [turn.role for turn in found] == ["user", "assistant", "tool", "assistant", "tool"]
    assert ids_of(found[1]) == ["call_0", "call_1", "call_2"]
    # By name, and in order where names are the same.
    assert ids_of(found[2]) == ["call_2", "call_0", "call_1"]
    assert ids_of(found[3]) == ids_of(found[4]) == ["call_3"]
    assert found[:3] == turns(*history[:3])
    assert [part.parts for part in found[2].parts if isinstance(part, ToolResult)] == [
        (Text("{}"),),
        (Text("sun"),),
        (Text("fog"),),
    ]
    assert found[1].parts[0] == ToolCall("call_0", "weather", '{"city":"Roma"}')
    assert found[1].parts[2] == ToolCall("call_2", "clock", "{}")


def test_gi2__calls_with_ids__are_answered_by_id_and_no_invented_id_is_the_same() -> None:
    given = {"functionCall": {"name": "weather", "id": "call_0"}}
    found = turns(
        user("Hi"),
        model(PARIS, given),
        user(result("weather", {}, id="call_0"), result("weather", {}, id="unknown")),
    )
    assert ids_of(found[1]) == ["call_1", "call_0"]
    assert ids_of(found[2]) == ["call_0", "call_1"]


def test_gi2__results_and_words_of_one_turn__come_results_first() -> None:
    found = turns(user("Hi"), model(CLOCK), user("Now?", result("clock", {"error": "broken"})))
    assert [turn.role for turn in found] == ["user", "assistant", "tool", "user"]
    assert found[2].parts == (ToolResult("call_0", (Text("broken"),), is_error=True),)
    assert found[3].parts == (Text("Now?"),)


def test_gi2__result_with_an_image__keeps_it() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "YQ=="}}
    found = turns(user("Hi"), model(CLOCK), user(result("clock", {}, parts=[image])))
    expected = (Text("{}"), Image(data="YQ==", media_type="image/png"))
    assert found[2].parts == (ToolResult("call_0", expected),)


@pytest.mark.parametrize(
    "contents",
    [
        [user(result("clock", {}))],
        [user("Hi"), model(CLOCK), user(result("other", {}))],
        [user("Hi"), model(CLOCK), user(result("clock", {}), result("clock", {}))],
        [user("Hi"), model(CLOCK), user("?"), model("!"), user(result("clock", {}))],
    ],
)
def test_gi2__result_of_no_call__is_refused_by_place(contents: list[Any]) -> None:
    param = refused({"contents": contents}, in_full=True)
    assert param is not None
    assert param.endswith(".functionResponse")


def test_gi2__streamed_answer_sent_back_in_pieces__is_one_turn_with_one_thought() -> None:
    pieces = [
        model({"text": "H", "thought": True}),
        model({"text": "m.", "thought": True}),
        model({"text": "", "thought": True, "thoughtSignature": wrap(SIGNED)}),
        model({"text": "Let me "}),
        model({"text": "see."}, {**CLOCK, "thoughtSignature": "c2ln"}),
        model({"text": ""}),
    ]
    _user, answered = turns(user("Hi"), *pieces)
    assert answered.parts == (
        SIGNED,
        Text("Let me "),
        Text("see."),
        ToolCall("call_0", "clock", "{}", "c2ln", "google"),
    )


def test_gi2__thoughts__are_of_who_signed_them_whatever_the_alphabet() -> None:
    hidden = Thinking(redacted="opaque?>", origin="anthropic")
    kept = base64.urlsafe_b64encode(base64.b64decode(wrap(hidden))).decode().rstrip("=")
    _user, answered = turns(
        user("Hi"),
        model(
            {"text": "", "thought": True, "thoughtSignature": kept},
            {"text": "mine", "thought": True, "thought_signature": "c2ln"},
            {"text": "unsigned", "thought": True},
            {"text": "So."},
        ),
    )
    assert answered.parts == (
        hidden,
        Thinking("mine", "c2ln", origin="google"),
        Thinking("unsigned"),
        Text("So."),
    )


def test_x1__thoughts_of_another_provider__are_not_shown_to_gemini() -> None:
    own = {"text": "mine", "thought": True, "thoughtSignature": "c2ln"}
    foreign = {"text": "Hm.", "thought": True, "thoughtSignature": wrap(SIGNED)}
    contents = [user("Hi"), model(foreign), model(own, {"text": "So.", "odd": 1}), user("?")]
    sent = read({"contents": contents}).body()["contents"]
    assert sent == [
        user({"text": "Hi"}),
        model(own, {"text": "So.", "odd": 1}),
        user({"text": "?"}),
    ]


def test_gi2__streamed_answer_sent_back_in_pieces__is_one_content_for_gemini_too() -> None:
    contents = [user("Hi"), model({"text": "So"}), model(CLOCK), user(result("clock", {}), "?")]
    sent = read({"contents": contents}).body()["contents"]
    assert sent[1] == model({"text": "So"}, CLOCK)
    assert [content["role"] for content in sent] == ["user", "model", "user"]


def test_gi2__codes_that_gemini_ran__are_texts_for_others() -> None:
    _user, answered = turns(
        user("Hi"),
        model(
            {"executableCode": {"language": "PYTHON", "code": "1+1"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
        ),
    )
    assert answered.parts == (Text("```python\n1+1\n```"), Text("```\n2\n```"))


# --- Options --------------------------------------------------------------------------------------

CONFIG = {
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
        answer_format=AnswerFormat(schema=CONFIG["responseJsonSchema"]),  # type: ignore[arg-type]
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
        ({"generationConfig": {"candidateCount": 2}}, "generationConfig.candidateCount"),
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


# --- Amended --------------------------------------------------------------------------------------

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
