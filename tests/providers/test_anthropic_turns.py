"""OpenAI's messages as Anthropic's: roles, parts, tool results. OA1 to OA12, OA23, OA24."""

from dataclasses import replace
from typing import Any

import pytest

from apps.core.chat import ChatDetails, Grammar, Text, Thinking, ToolCall, ToolResult, Turn
from apps.providers.adapters.anthropic.requests import build_request
from tests.providers.anthropic_calls import (
    HELLO,
    MANUAL,
    WEATHER,
    asked,
    calling,
    make_call,
    outgoing,
    refusal,
    result,
    text,
    thread,
)

PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0="
SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "sig-1"}
HIDDEN = {"type": "redacted_thinking", "data": "opaque"}


def said(role: str, content: Any, **fields: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **fields}


def test_oa1__system_and_developer_messages__are_hoisted_in_order() -> None:
    found = asked(
        said("system", "First."),
        HELLO,
        said("developer", [text("Second."), text("Third.")]),
        said("assistant", "Hi"),
        said("system", "Fourth."),
        said("user", "Bye"),
    )
    assert found["system"] == "First.\n\nSecond.\n\nThird.\n\nFourth."
    assert [message["role"] for message in found["messages"]] == ["user", "assistant", "user"]


def test_oa1__system_message_alone__becomes_the_question() -> None:
    found = asked(said("system", "Say hello."))
    assert "system" not in found
    assert found["messages"] == [{"role": "user", "content": [text("Say hello.")]}]


def test_oa2__messages_in_a_row__are_merged_and_empty_ones_dropped() -> None:
    found = thread(
        HELLO,
        said("user", [text("  \n"), text("Again")]),
        said("assistant", ""),
        said("assistant", "One"),
        said("assistant", "Two"),
        said("user", " "),
        said("user", "Three"),
    )
    assert found == [
        ("user", [text("Hello"), text("Again")]),
        ("assistant", [text("One"), text("Two")]),
        ("user", [text("Three")]),
    ]


def test_oa2__conversation_that_an_assistant_begins__begins_with_a_user() -> None:
    found = thread(said("assistant", "Hi"), HELLO)
    assert [role for role, _blocks in found] == ["user", "assistant", "user"]


def test_oa3__parts__keep_their_order_and_kind() -> None:
    parts = [
        text("Compare"),
        {"type": "image_url", "image_url": {"url": PNG, "detail": "high"}},
        text("with"),
        {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file_1"}},
        {"type": "file", "file": {"file_data": "https://x.test/b.pdf"}},
    ]
    ((_role, blocks),) = thread(said("user", parts))
    assert [block["type"] for block in blocks] == [
        *("text", "image", "text", "document", "document", "document")
    ]
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    assert blocks[3] == {"type": "document", "source": pdf, "title": "a.pdf"}
    assert blocks[4]["source"] == {"type": "file", "file_id": "file_1"}
    assert blocks[5]["source"] == {"type": "url", "url": "https://x.test/b.pdf"}


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}, "messages"),
        ({"type": "file", "file": {"file_data": "data:text/csv;base64,YQ=="}}, "messages"),
        ({"type": "video"}, "messages[0].content[0].type"),
        (
            {"type": "image_url", "image_url": {"url": "ftp://x"}},
            "messages[0].content[0].image_url.url",
        ),
        ({"type": "image_url", "image_url": {}}, "messages[0].content[0].url"),
    ],
)
def test_oa3__part_without_a_form_there__is_refused_by_name(
    part: dict[str, Any], param: str
) -> None:
    error = refusal(said("user", [part]))
    assert error.param == param
    assert error.message


@pytest.mark.parametrize("url", [PNG, PNG.replace(";base64", ";charset=x;base64")])
def test_oa4__image_in_base64__keeps_the_media_type_it_says(url: str) -> None:
    ((_role, (block,)),) = thread(
        said("user", [{"type": "image_url", "image_url": {"url": url, "detail": "low"}}])
    )
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    assert block == {"type": "image", "source": source}


def test_oa4__image_by_address__stays_an_address() -> None:
    url = "https://x.test/cat.jpg"
    ((_role, (block,)),) = thread(said("user", [{"type": "image_url", "image_url": {"url": url}}]))
    assert block == {"type": "image", "source": {"type": "url", "url": url}}


@pytest.mark.parametrize("content", ["", None, "  "])
def test_oa5__call_without_words__is_a_call_only(content: str | None) -> None:
    found = thread(HELLO, calling("a", content=content), result("a"), tools=[WEATHER])
    assert [block["type"] for block in found[1][1]] == ["tool_use"]


@pytest.mark.parametrize("arguments", ["", " ", "{}", None])
def test_oa6__arguments_that_are_empty__are_an_empty_object(arguments: str | None) -> None:
    message = calling("a")
    message["tool_calls"][0]["function"] = {"name": "weather", "arguments": arguments}
    (_user, (_role, (block,)), _result) = thread(HELLO, message, result("a"))
    assert block == {"type": "tool_use", "id": "a", "name": "weather", "input": {}}


@pytest.mark.parametrize("arguments", ["{", "[1]", "5", "null"])
def test_oa6__arguments_that_are_no_object__are_refused(arguments: str) -> None:
    message = calling("a")
    message["tool_calls"][0]["function"] = {"name": "weather", "arguments": arguments}
    assert "'a'" in refusal(HELLO, message, result("a")).message


def test_oa7__results_of_one_turn__are_one_message_with_the_users_words_after_them() -> None:
    found = thread(
        HELLO, calling("a", "b"), result("b", "rain"), result("a", "sun"), said("user", "So?")
    )
    assert [role for role, _blocks in found] == ["user", "assistant", "user"]
    assert found[2][1] == [
        {"type": "tool_result", "tool_use_id": "a", "content": [text("sun")]},
        {"type": "tool_result", "tool_use_id": "b", "content": [text("rain")]},
        text("So?"),
    ]


def test_oa7__words_between_a_call_and_its_result__come_after_the_result() -> None:
    found = thread(HELLO, calling("a"), said("user", "Wait"), result("a"))
    assert [block["type"] for block in found[2][1]] == ["tool_result", "text"]


def test_oa8__result_with_an_image__keeps_it() -> None:
    parts = [text("Look:"), {"type": "image_url", "image_url": {"url": PNG}}]
    found = thread(HELLO, calling("a"), result("a", parts))
    (block,) = found[2][1]
    assert [part["type"] for part in block["content"]] == ["text", "image"]
    assert block["content"][1]["source"]["data"] == "iVBORw0KGgo="


def test_oa9__ids__are_legal_and_the_same_in_call_and_result() -> None:
    ids = ["call_1", "fc:1|x", "fc/1|x", "ação.1"]
    found = thread(HELLO, calling(*ids), *(result(each) for each in ids))
    called = [block["id"] for block in found[1][1]]
    answered = [block["tool_use_id"] for block in found[2][1]]
    assert called == answered
    assert called[0] == "call_1"
    assert len(set(called)) == 4
    assert all(c.isascii() and (c.isalnum() or c in "_-") for each in called for c in each)


def test_oa9__id_that_is_used_again_later__stays_apart() -> None:
    found = thread(HELLO, calling("w"), result("w", "sun"), calling("w"), result("w", "rain"))
    first, second = found[1][1][0]["id"], found[3][1][0]["id"]
    assert first == "w" != second
    assert [found[2][1][0]["tool_use_id"], found[4][1][0]["tool_use_id"]] == [first, second]
    assert found[4][1][0]["content"] == [text("rain")]


def test_oa9__id_that_is_used_twice_in_a_turn__is_refused() -> None:
    assert "'w'" in refusal(HELLO, calling("w", "w"), result("w")).message


def test_oa10__call_without_a_result__is_told_to_have_none() -> None:
    found = thread(HELLO, calling("a", "b"), result("b"), said("user", "Go on"))
    first, second, _words = found[2][1]
    assert (first["tool_use_id"], first["is_error"]) == ("a", True)
    assert "is_error" not in second


def test_oa10__call_at_the_very_end__is_answered_too() -> None:
    found = thread(HELLO, calling("a"))
    assert found[-1][1][0]["tool_use_id"] == "a"


@pytest.mark.parametrize("history", [(HELLO,), (HELLO, calling("b"), result("b"))])
def test_oa10__result_without_a_call__is_refused(history: tuple[dict[str, Any], ...]) -> None:
    assert "'a'" in refusal(*history, result("a")).message


def test_oa11__name_refusal_and_audio__are_tolerated_and_told() -> None:
    found = outgoing(
        said("user", "Hello", name="ana"),
        {"role": "assistant", "content": None, "refusal": "I will not.", "audio": {"id": "au_1"}},
        said("user", "Why?"),
    )
    assert found.body["messages"][1]["content"] == [text("I will not.")]
    assert set(found.dropped) == {"messages.name", "messages.audio"}


def test_oa11__older_functions__are_translated() -> None:
    found = asked(
        HELLO,
        {
            "role": "assistant",
            "content": None,
            "function_call": {"name": "weather", "arguments": '{"city":"Rome"}'},
        },
        {"role": "function", "name": "weather", "content": "sunny"},
        functions=[WEATHER["function"]],
        function_call={"name": "weather"},
    )
    (_user, call, answer) = found["messages"]
    assert call["content"][0]["input"] == {"city": "Rome"}
    assert call["content"][0]["id"] == answer["content"][0]["tool_use_id"]
    assert found["tools"][0]["name"] == "weather"
    assert found["tool_choice"] == {
        "type": "tool",
        "name": "weather",
        "disable_parallel_tool_use": True,
    }


def test_oa12__begun_answer__is_sent_without_spaces_at_its_end() -> None:
    found = thread(HELLO, said("assistant", "The sky is \n"))
    assert found[-1] == ("assistant", [text("The sky is")])


def test_oa23__signed_thoughts__come_first_in_their_turn() -> None:
    turn = calling("a", content="Let me see.", thinking_blocks=[SIGNED, HIDDEN])
    found = thread(HELLO, turn, result("a"), reasoning_effort="high", model=MANUAL)
    assert found[1][1][:2] == [SIGNED, HIDDEN]
    assert [block["type"] for block in found[1][1][2:]] == ["text", "tool_use"]


def test_oa23__thoughts_of_a_streamed_answer__are_read_back_with_their_index() -> None:
    turn = calling("a", thinking_blocks=[{"index": 0, "origin": "anthropic", **SIGNED}])
    assert thread(HELLO, turn, result("a"))[1][1][0] == SIGNED


@pytest.mark.parametrize(
    "fields",
    [
        {"thinking_blocks": [{**SIGNED, "origin": "google"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "Hm."}]},
        {"reasoning_content": "Hm."},
    ],
)
def test_oa23__thoughts_that_it_cannot_read__are_left_out_and_told(fields: Any) -> None:
    found = outgoing(HELLO, calling("a", **fields), result("a"))
    assert found.body["messages"][1]["content"][0]["type"] == "tool_use"
    assert found.dropped == ["reasoning_content"]


def test_oa23__calls_without_their_thoughts__turn_thinking_off_for_the_turn() -> None:
    found = outgoing(HELLO, calling("a"), result("a"), reasoning_effort="high", model=MANUAL)
    assert "thinking" not in found.body
    assert found.dropped == ["reasoning_effort"]


def test_oa23__calls_of_an_earlier_turn__do_not_matter() -> None:
    turns = (HELLO, calling("a"), result("a"), said("assistant", "So."), HELLO)
    found = asked(*turns, reasoning_effort="high", model=MANUAL)
    assert found["thinking"]["type"] == "enabled"


def test_oa23__words_said_along_with_results__leave_their_calls_open() -> None:
    """They go out in one message, as the results of a turn whose answer the client has lost."""
    for more in ((HELLO,), (HELLO, HELLO)):
        turns = (HELLO, calling("a"), result("a"), *more)
        found = outgoing(*turns, reasoning_effort="high", model=MANUAL)
        assert "thinking" not in found.body
        assert found.dropped == ["reasoning_effort"]
    turn = calling("b", thinking_blocks=[SIGNED])
    turns = (HELLO, calling("a"), result("a"), HELLO, turn, result("b"))
    assert asked(*turns, reasoning_effort="high", model=MANUAL)["thinking"]["type"] == "enabled"


@pytest.mark.parametrize("origin", ["google", "openai", ""])
def test_x1__signatures_of_another_provider__are_never_sent(origin: str) -> None:
    """AO4: neither a thought's nor a call's, whatever the history was made of."""
    foreign = "signature-of-another"
    turns = (
        Turn("user", (Text("Is it sunny?"),)),
        Turn(
            "assistant",
            (
                Thinking("Hm.", foreign, origin=origin),
                Thinking(redacted=foreign, origin=origin),
                Text("Let me see."),
                ToolCall("a", "weather", "{}", signature=foreign, origin=origin),
            ),
        ),
        Turn("tool", (ToolResult("a", (Text("sunny"),)),)),
    )
    call = make_call(model=MANUAL)
    grammar = Grammar(lambda _body: ChatDetails(turns), lambda body, *_rest: {**body})
    found = build_request(replace(call, request=replace(call.request, grammar=grammar)))
    assert foreign not in str(found.body)
    assert [block["type"] for block in found.body["messages"][1]["content"]] == ["text", "tool_use"]
    assert set(found.dropped) == {"reasoning_content"}


def test_oa24__cache_marks__are_kept_on_every_kind_of_block() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    found = asked(
        said("system", [text("Long."), {**text("Longer."), "cache_control": mark}]),
        said("user", "Hello", cache_control=mark),
        calling("a"),
        {**result("a"), "cache_control": mark},
        tools=[{**WEATHER, "cache_control": mark}],
    )
    assert found["system"][1]["cache_control"] == mark
    assert found["tools"][0]["cache_control"] == mark
    first, _call, answer = found["messages"]
    assert first["content"][0]["cache_control"] == mark
    assert answer["content"][0]["cache_control"] == mark


def test_oa24__more_than_four_cache_marks__keeps_the_last_and_tells() -> None:
    mark = {"type": "ephemeral"}
    parts = [{**text(f"part {number}"), "cache_control": mark} for number in range(6)]
    found = outgoing(said("user", parts))
    blocks = found.body["messages"][0]["content"]
    assert ["cache_control" in block for block in blocks] == [False] * 2 + [True] * 4
    assert "cache_control" in found.dropped
    assert "cache_control" in parts[0], "the caller's body stays as it was"
