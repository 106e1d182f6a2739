"""Anthropic bodies as neutral requests: what every body says, and its options. AO6 to AO10, T9."""

from collections.abc import Mapping
from typing import Any

import pytest

from apps.core.chat import (
    AnswerFormat,
    Message,
    Reasoning,
    Text,
    Tool,
    ToolChoice,
    Turn,
)
from apps.core.errors import InvalidRequest
from apps.gateway.wire.anthropic.errors import render_error
from apps.gateway.wire.anthropic.request import parse, parse_count, shows_thoughts, taken_ids
from apps.gateway.wire.anthropic.threads import ThreadNotFound, ThreadUnsupported
from tests.gateway.anthropic_bodies import (
    ASKED,
    MARK,
    PDF,
    PNG,
    asked,
    assistant,
    body_of,
    call,
    details_of,
    result,
    text,
    user,
)

# --- What every body says -------------------------------------------------------------------------


def test_body__plain__says_all_that_rules_may_read() -> None:
    chat = parse(
        body_of(
            system="Be kind.",
            stream=True,
            temperature=0.5,
            top_p=0.9,
            stop_sequences=["END"],
            metadata={"user_id": "u1"},
        ),
        {"anthropic-beta": "files-1"},
    )
    assert (chat.model, chat.dialect, chat.stream, chat.max_output_tokens) == (
        "m",
        "anthropic",
        True,
        100,
    )
    assert (chat.temperature, chat.top_p, chat.stop, chat.user) == (0.5, 0.9, ("END",), "u1")
    assert chat.messages == (Message("system", "Be kind."), Message("user", "What time is it?"))
    assert chat.headers == {"anthropic-beta": "files-1"}
    assert chat.needs == {"streaming"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        ({"messages": [user({"type": "text"})]}, "messages[0].content[0].text"),
        ({"messages": [user(result("t", 5))]}, "messages[0].content[0].content"),
        ({"messages": [user(result("t", [5]))]}, "messages[0].content[0].content[0]"),
        ({"messages": [user(result("t", [result("u")]))]}, "messages[0].content[0].content[0]"),
        ({"system": 5}, "system"),
        ({"system": [{"text": "x"}]}, "system[0]"),
        ({"temperature": 1.5}, "temperature"),
        ({"stop_sequences": [5]}, "stop_sequences"),
        ({"stream": "yes"}, "stream"),
        ({"metadata": "me"}, "metadata"),
        ({"thinking": "hard"}, "thinking"),
        ({"output_config": []}, "output_config"),
    ],
)
def test_t9__faulty_field__is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as told:
        parse(body_of(**fields))
    assert told.value.param == param


def test_thread__is_refused_as_anthropic_does_where_it_holds_none() -> None:
    begun = {"type": "continue", "previous_message_id": "msg_1"}
    for thread, refusal in (({"type": "create"}, ThreadUnsupported), (begun, ThreadNotFound)):
        with pytest.raises(refusal) as told:
            parse(body_of(thread=thread))
        error = render_error(told.value, told.value.http_status, "req_1")["error"]
        assert error["details"] == {"error_code": told.value.code}
    assert parse(body_of(thread=None)).model == "m"


def test_t13__count__needs_no_limit() -> None:
    body = body_of()
    del body["max_tokens"]
    assert parse_count(body).max_output_tokens is None


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({"tools": [{"name": "a", "input_schema": {}}]}, {"tools"}),
        ({"messages": [ASKED, assistant(call("t")), user(result("t"))]}, {"tools"}),
        ({"messages": [user({"type": "image", "source": PNG})]}, {"vision"}),
        (
            {"messages": [user(result("t", [{"type": "image", "source": PNG}]))]},
            {"tools", "vision"},
        ),
        ({"messages": [user({"type": "document", "source": PDF})]}, {"files"}),
        ({"messages": [user({"type": "document", "source": {"type": "text"}})]}, set()),
        (
            {
                "messages": [
                    user(
                        {
                            "type": "document",
                            "source": {"type": "content", "content": [{"type": "image"}]},
                        }
                    )
                ]
            },
            {"vision"},
        ),
        ({"output_config": {"format": {"type": "json_schema"}}}, {"json_schema"}),
        ({"output_format": {"type": "json_schema"}}, {"json_schema"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, {"reasoning"}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, set()),
        ({"thinking": {"type": "disabled"}}, set()),
    ],
)
def test_needs__of_a_body__are_what_a_model_must_have(
    fields: dict[str, Any], needs: set[str]
) -> None:
    assert asked(**fields).needs == needs


def test_messages__results_among_words__are_the_tools_own() -> None:
    told = user(text("And now?"), result("t1", "12:00"), result("t2", [text("late")]))
    chat = asked(ASKED, assistant(text("Let me see."), call("t1"), call("t2")), told)
    assert chat.messages[1:] == (
        Message("assistant", "Let me see."),
        Message("tool", "12:00\nlate"),
        Message("user", "And now?"),
    )


def test_thoughts__are_shown__to_who_asked_to_see_them() -> None:
    assert not shows_thoughts(body_of())
    assert not shows_thoughts(body_of(thinking={"type": "disabled"}))
    assert shows_thoughts(body_of(thinking={"type": "adaptive"}))
    assert not shows_thoughts(body_of(thinking={"type": "adaptive", "display": "omitted"}))


def test_taken_ids__are_those_of_all_calls() -> None:
    assert taken_ids(body_of(ASKED, assistant(call("a"), call("b")), user(result("a")))) == {
        "a",
        "b",
    }


# --- Options --------------------------------------------------------------------------------------


def test_ao6__tools__keep_their_schemas() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {}}}
    tools = [
        {"name": "a", "description": "Does.", "input_schema": schema, "strict": True},
        {"type": "custom", "name": "b", "input_schema": {}, "cache_control": MARK},
    ]
    assert details_of(tools=tools).tools == (
        Tool("a", "Does.", schema, is_strict=True),
        Tool("b", cache_control=MARK),
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"tools": [{"type": "bash_20250124", "name": "bash"}]},
        {"mcp_servers": [{"type": "url"}]},
        {"container": "c1"},
    ],
)
def test_ao6__tools_that_run_at_anthropic__are_refused_elsewhere_and_read_there(
    fields: dict[str, Any],
) -> None:
    chat = asked(**fields)
    assert chat.body() == chat.raw
    with pytest.raises(InvalidRequest):
        chat.details()


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "any"}, ToolChoice("required")),
        ({"type": "none"}, ToolChoice("none")),
        ({"type": "tool", "name": "a"}, ToolChoice("required", ("a",))),
    ],
)
def test_ao7__tool_choice__is_the_neutral_one(choice: dict[str, Any], expected: ToolChoice) -> None:
    assert details_of(tool_choice=choice).tool_choice == expected
    alone = details_of(tool_choice={**choice, "disable_parallel_tool_use": True})
    assert alone.has_parallel_calls is False
    assert details_of(tool_choice=choice).has_parallel_calls is None


def test_ao7__wrong_choice__is_named() -> None:
    wrong: tuple[dict[str, Any], ...] = ({"type": "maybe"}, {"type": "tool"}, {"type": []})
    for choice in wrong:
        with pytest.raises(InvalidRequest) as told:
            details_of(tool_choice=choice)
        assert told.value.param == "tool_choice.type"


def test_ao8__what_has_no_neutral_form__is_told_by_name() -> None:
    tools = [{"name": "a", "input_schema": {}, "defer_loading": True}]
    details = details_of(top_k=5, tools=tools, context_management={"edits": []}, service_tier="x")
    assert details.top_k == 5
    assert set(details.others) == {"context_management", "tools.defer_loading"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"thinking": {"type": "disabled"}}, Reasoning("none")),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, Reasoning("", 2048)),
        ({"thinking": {"type": "adaptive"}}, Reasoning("", -1)),
        ({"output_config": {"effort": "high"}}, Reasoning("high")),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
            Reasoning("max"),
        ),
    ],
)
def test_ao9__thinking_and_effort__are_one_wish(
    fields: dict[str, Any], expected: Reasoning | None
) -> None:
    assert details_of(**fields).reasoning == expected


def test_ao9__unknown_thinking__is_named() -> None:
    with pytest.raises(InvalidRequest) as told:
        details_of(thinking={"type": "deep"})
    assert told.value.param == "thinking.type"


def test_ao10__answer_format__is_a_schema_strict_where_it_can_be() -> None:
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    expected = AnswerFormat("answer", schema={"type": "object"}, is_strict=True)
    assert details_of(output_config={"format": wanted}).answer_format == expected
    assert details_of(output_format=wanted).answer_format == expected
    assert details_of().answer_format is None
    properties = {"a": {"type": "array", "items": {"properties": {"b": {}}}}}
    closed = {"additionalProperties": False, "required": ["a"]}
    open_ones: tuple[dict[str, Any], ...] = (
        {"properties": {"a": {}}},
        {**closed, "properties": properties},
    )
    for schema in open_ones:
        loose = details_of(output_config={"format": {**wanted, "schema": schema}})
        assert loose.answer_format == AnswerFormat("answer", schema=schema)
    kept = {**wanted, "schema": {**closed, "properties": {"a": {"enum": [{}]}}}}
    strict = details_of(output_config={"format": kept}).answer_format
    assert strict is not None
    assert strict.is_strict
    with pytest.raises(InvalidRequest):
        details_of(output_config={"format": {"type": "xml"}})


# --- The same dialect out -------------------------------------------------------------------------


def amended(body: Mapping[str, Any], *before: Turn, **parameters: Any) -> dict[str, Any]:
    grammar = parse(body).grammar
    assert grammar is not None
    return grammar.amend(body, before, parameters)


def test_t11__body_of_the_same_dialect__stays_as_it_was() -> None:
    body = body_of(of_tomorrow={"a": 1}, system=[text("S", cache_control=MARK)])
    assert parse(body).body() == body


def test_x5__router_turns__go_before_the_callers_without_touching_them() -> None:
    before = (
        Turn("system", (Text("House rule."),)),
        Turn("user", (Text("Earlier."),)),
        Turn("assistant", (Text("Yes."),)),
    )
    own = [text("Mine.", cache_control=MARK)]
    found = amended(body_of(system=own), *before)
    assert found["system"] == [text("House rule."), *own]
    assert found["messages"] == [user(text("Earlier.")), assistant(text("Yes.")), ASKED]
    assert amended(body_of(system="Mine."), *before)["system"] == "House rule.\n\nMine."
    assert amended(body_of(), *before)["system"] == "House rule."
    assert "system" not in amended(body_of(), *before[1:])


def test_rule_parameters__are_said_in_the_words_of_the_dialect() -> None:
    body = body_of(top_p=0.5, output_config={"format": {}})
    found = amended(body, temperature=1.7, reasoning_effort="minimal", seed=3)
    assert (found["temperature"], found.get("top_p")) == (1.0, None)
    assert found["output_config"] == {"format": {}, "effort": "low"}
    assert "seed" not in found
    assert amended(body, top_p=0.1)["top_p"] == 0.1
    assert amended(body, reasoning_effort="none")["thinking"] == {"type": "disabled"}
    thinking = body_of(thinking={"type": "adaptive"})
    assert "temperature" not in amended(thinking, temperature=0.2)
