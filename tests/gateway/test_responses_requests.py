"""Bodies of the Responses API: read into the neutral form, or refused naming the field. Pure."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.chat import (
    AnswerFormat,
    Audio,
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
from apps.gateway.wire.openai_responses.grammar import amend
from apps.gateway.wire.openai_responses.items import item_id, output_item, place_of
from apps.gateway.wire.openai_responses.request import (
    parse,
    previous_id_of,
    references_of,
    wants_storing,
    with_items,
)
from apps.gateway.wire.openai_responses.thoughts import (
    pack_call,
    pack_thought,
    unpack_call,
    unpack_thought,
)

PNG = "data:image/png;base64,cGl4ZWw="
PDF = "data:application/pdf;base64,cGRm"
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}
texts = st.text(max_size=8)


def turns_of(items: Any, **fields: Any) -> tuple[Turn, ...]:
    return parse({"input": items, **fields}).details().turns


def test_r1__text_and_instructions__are_turns_of_user_and_system() -> None:
    chat = parse({"model": "m", "input": "Hello", "instructions": "Be short."})
    assert chat.details().turns == (
        Turn("system", (Text("Be short."),)),
        Turn("user", (Text("Hello"),)),
    )
    assert chat.messages == (Message("system", "Be short."), Message("user", "Hello"))
    assert (chat.model, chat.dialect) == ("m", "openai.responses")


def test_r1__items__are_turns_in_full() -> None:
    thought = Thinking("hm", "sig", "", "anthropic")
    call = ToolCall("call_1", "f", '{"a": 1}', "mark", "google")
    turns = turns_of(
        [
            {"role": "developer", "content": "Rules."},
            {"role": "user", "content": [{"type": "input_text", "text": "Look:"}, *PARTS]},
            output_item(thought, "rs_1"),
            output_item(Text("I see."), "msg_1"),
            output_item(call, "fc_1"),
            {"type": "function_call", "call_id": "call_2", "name": "g", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_2", "output": "plain"},
            {"type": "function_call_output", "call_id": "call_1", "output": PARTS[:1]},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        ]
    )
    image = Image(data="cGl4ZWw=", media_type="image/png")
    document = File(data="cGRm", media_type="application/pdf", name="a.pdf")
    assert turns == (
        Turn("system", (Text("Rules."),)),
        Turn("user", (Text("Look:"), image, Audio("c291bmQ=", "wav"), document)),
        Turn("assistant", (thought, Text("I see."), call, ToolCall("call_2", "g", "{}"))),
        Turn("tool", (ToolResult("call_2", (Text("plain"),)), ToolResult("call_1", (image,)))),
        Turn("assistant", (Text("No."),)),
    )


PARTS: list[dict[str, Any]] = [
    {"type": "input_image", "image_url": PNG, "detail": "auto"},
    {"type": "input_audio", "input_audio": {"data": "c291bmQ=", "format": "wav"}},
    {"type": "input_file", "file_data": PDF, "filename": "a.pdf"},
]


def test_r1__history__stands_between_instructions_and_input() -> None:
    history = (Turn("user", (Text("one"),)), Turn("assistant", (ToolCall("c", "f", "{}"),)))
    items = [{"type": "function_call_output", "call_id": "c", "output": "22"}]
    chat = parse({"input": items, "instructions": "I"}, history)
    roles = [turn.role for turn in chat.details().turns]
    assert roles == ["system", "user", "assistant", "tool"]
    assert [message.text for message in chat.messages] == ["I", "one", "", "22"]
    assert chat.needs == {"tools"}


def test_r1__reasoning_of_another_server__is_known_by_what_it_says() -> None:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": "gAAAAAB-of-OpenAI",
    }
    assert turns_of([item]) == (Turn("assistant", (Thinking("Hm."),)),)
    empty = {**item, "summary": []}
    assert turns_of([{"role": "user", "content": "x"}, empty]) == (Turn("user", (Text("x"),)),)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"role": "user", "content": "x"}] * 2_001}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"type": "web_search_call", "id": "ws_1"}]}, "input[0].type"),
        ({"input": [{"role": "judge", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 1}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": ["x"]}]}, "input[0].content[0]"),
        (
            {"input": [{"role": "user", "content": [{"type": "smell"}]}]},
            "input[0].content[0].type",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_text"}]}]},
            "input[0].content[0].text",
        ),
        (
            {
                "input": [
                    {"role": "user", "content": [{"type": "input_image", "image_url": "file:///x"}]}
                ]
            },
            "input[0].content[0].image_url",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input[0].content[0].file_id",
        ),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        (
            {"input": [{"type": "function_call_output", "call_id": "c", "output": PARTS[1:2]}]},
            "input[0].output",
        ),
        ({"input": [{"type": "reasoning", "summary": "x"}]}, "input[0].summary"),
        ({"input": "x", "instructions": 1}, "instructions"),
        ({"input": "x", "model": " "}, "model"),
        ({"input": "x", "stream": "yes"}, "stream"),
        ({"input": "x", "max_output_tokens": 0}, "max_output_tokens"),
        ({"input": "x", "temperature": 3}, "temperature"),
        ({"input": "x", "tools": {}}, "tools"),
        ({"input": "x", "tools": [FUNCTION, {"type": "function"}]}, "tools[1].name"),
        ({"input": "x", "tools": ["f"]}, "tools[0]"),
        ({"input": "x", "tool_choice": "maybe"}, "tool_choice"),
        ({"input": "x", "tool_choice": {"type": "web_search"}}, "tool_choice"),
        (
            {"input": "x", "tool_choice": {"type": "allowed_tools", "mode": "none"}},
            "tool_choice.mode",
        ),
        ({"input": "x", "text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"input": "x", "text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"input": "x", "conversation": "conv_1"}, "conversation"),
        ({"input": "x", "prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"input": "x", "background": True}, "background"),
        ({"input": "x", "metadata": {"a" * 65: "x"}}, "metadata"),
    ],
)
def test_r1_r6__what_cannot_be_read__is_refused_by_name(body: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as told:
        parse(body)
    assert told.value.param == param


@pytest.mark.parametrize(
    "kind",
    ["web_search", "file_search", "code_interpreter", "mcp", "computer", "custom", "shell", None],
)
def test_r7__hosted_tool__is_refused_by_its_place(kind: str | None) -> None:
    with pytest.raises(InvalidRequest) as told:
        parse({"input": "x", "tools": [FUNCTION, {"type": kind, "name": "w"}]})
    assert told.value.param == "tools[1]"
    assert str(kind) in told.value.message


def test_r6__options__have_their_neutral_form() -> None:
    schema = {"type": "object"}
    chat = parse(
        {
            "input": "x",
            "stream": True,
            "tools": [FUNCTION],
            "tool_choice": {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}],
            },
            "parallel_tool_calls": False,
            "text": {
                "format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True},
                "verbosity": "low",
            },
            "reasoning": {"effort": "high", "summary": "auto", "mode": "pro"},
            "include": ["reasoning.encrypted_content", "file_search_call.results"],
            "top_logprobs": 2,
            "max_output_tokens": 9,
            "temperature": 1.5,
            "top_p": 0.5,
            "safety_identifier": "ana",
            "metadata": {"team": "blue"},
            "truncation": "auto",
            "service_tier": "auto",
            "prompt_cache_key": "k",
        }
    )
    details = chat.details()
    assert details.tools == (Tool("f", "", {"type": "object"}, is_strict=True),)
    assert details.tool_choice == ToolChoice("required", ("f",))
    assert details.has_parallel_calls is False
    assert details.answer_format == AnswerFormat("n", "", schema, is_strict=True)
    assert details.reasoning == Reasoning("high")
    assert details.top_logprobs == 2
    assert set(details.others) == {
        "truncation",
        "prompt_cache_key",
        "include.file_search_call.results",
        "reasoning.mode",
        "text.verbosity",
    }
    assert chat.needs == {"streaming", "tools", "json_schema", "reasoning"}
    assert (chat.max_output_tokens, chat.temperature, chat.top_p) == (9, 1.5, 0.5)
    assert (chat.user, chat.metadata, chat.stream) == ("ana", {"team": "blue"}, True)


@pytest.mark.parametrize(
    ("choice", "neutral"),
    [
        ("none", ToolChoice("none")),
        ({"type": "function", "name": "f"}, ToolChoice("required", ("f",))),
        (None, None),
    ],
)
def test_r6__tool_choice__is_read(choice: Any, neutral: ToolChoice | None) -> None:
    assert parse({"input": "x", "tool_choice": choice}).details().tool_choice == neutral


def test_r1__needs__come_from_parts_wherever_they_stand() -> None:
    result = {"type": "function_call_output", "call_id": "c", "output": PARTS[:1]}
    assert parse({"input": [result]}).needs == {"tools", "vision"}
    assert parse({"input": [{"role": "user", "content": PARTS[1:]}]}).needs == {"audio", "files"}


def test_r5__state_fields__are_read() -> None:
    assert wants_storing({})
    assert wants_storing({"store": None})
    assert not wants_storing({"store": False})
    assert previous_id_of({}) == ""
    assert previous_id_of({"previous_response_id": "resp_1"}) == "resp_1"
    body = {"input": [{"role": "user", "content": "x"}, {"type": "item_reference", "id": "msg_1"}]}
    assert references_of(body) == {1: "msg_1"}
    assert references_of({"input": [{"id": "msg_1"}]}) == {0: "msg_1"}
    assert references_of({"input": "x"}) == {}
    item = output_item(Text("Hi"), "msg_1")
    assert parse(with_items(body, {1: item})).messages[1] == Message("assistant", "Hi")
    assert with_items(body, {}) is body


def test_items__ids__lead_back_to_their_place() -> None:
    token = "0193" * 8
    name = item_id(ToolCall("c", "f", "{}"), token, 300)
    found = place_of(name)
    assert found is not None
    assert (found[0].hex, found[1]) == (token, 300)
    assert place_of("msg_x") is None


def test_grammar__amended_body__says_more_of_the_same() -> None:
    prompt = (Turn("system", (Text("S"),)),)
    parameters = {"temperature": 0.5, "reasoning_effort": "low", "seed": 5}
    body = amend({"input": "x", "reasoning": {"summary": "auto"}}, prompt, parameters)
    assert body == {
        "input": [{"role": "system", "content": "S"}, {"role": "user", "content": "x"}],
        "temperature": 0.5,
        "reasoning": {"summary": "auto", "effort": "low"},
    }
    assert parse(body).details().turns[0] == prompt[0]


@given(texts, texts, texts, texts)
def test_thoughts__packed_and_unpacked__are_the_same(
    text: str, signature: str, redacted: str, origin: str
) -> None:
    thought = Thinking(text, signature, redacted, origin)
    packed = pack_thought(thought)
    if signature or redacted:
        assert unpack_thought(packed, "another summary") == thought
    else:
        assert packed is None
        assert unpack_thought(packed, text) == Thinking(text)
    call = ToolCall("c", "f", "{}", signature, origin)
    assert unpack_call(pack_call(call)) == ((signature, origin) if signature else ("", ""))


@pytest.mark.parametrize("packed", [1, "é", "e30=", "W10=", "eyJ2IjogMSwgInRleHQiOiAxfQ==", "!"])
def test_thoughts__not_of_ours__are_left_alone(packed: Any) -> None:
    assert unpack_thought(packed, "s") == Thinking("s")
