"""Turns of other dialects as OpenAI's messages: AO1 to AO5, and OO11 of the same dialect."""

from typing import Any

import pytest

from apps.core.chat import Audio, File, Image, Part, Text, Thinking, ToolCall
from tests.providers.openai_calls import (
    HELLO,
    calling,
    outgoing,
    refusal,
    result,
    said,
    sent_on,
    thread,
    turn,
)

MARK = {"type": "ephemeral"}
PNG = Image(data="iVBORw0KGgo=", media_type="image/png")
PNG_URL = "data:image/png;base64,iVBORw0KGgo="
PDF = File(data="JVBERi0=", media_type="application/pdf", name="a.pdf")
SHOWN_PNG = {"type": "image_url", "image_url": {"url": PNG_URL}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def test_ao1__system_blocks__are_one_message_without_cache_marks() -> None:
    system = turn("system", Text("First.", MARK), "Second.")
    found = outgoing(system, turn("user", Text("Hello", MARK)))
    assert found.body["messages"] == [said("system", "First.\nSecond."), said("user", "Hello")]
    assert found.dropped == ("cache_control",)


def test_ao1__system_text_for_a_reasoning_model__is_a_developers() -> None:
    (system, _user) = thread(turn("system", "Be brief."), HELLO, model="o3")
    assert system["role"] == "developer"


def test_ao1__system_text_of_a_later_turn__stays_where_it_is() -> None:
    found = thread(HELLO, turn("assistant", "Hi"), turn("system", "Now in verse."), HELLO)
    assert [message["role"] for message in found] == ["user", "assistant", "system", "user"]


def test_ao2__results_and_text__are_tool_messages_first_and_one_users_after() -> None:
    user = turn("user", "Thanks.", result("b"), result("a"), "And now?")
    found = thread(HELLO, calling("a", "b"), user)
    assert [message["role"] for message in found] == ["user", "assistant", "tool", "tool", "user"]
    assert [message["tool_call_id"] for message in found[2:4]] == ["a", "b"]
    assert found[4]["content"] == "Thanks.\nAnd now?"


def test_ao2__results_in_turns_of_their_own__are_gathered_under_their_calls() -> None:
    turns = (
        HELLO,
        calling("a"),
        calling("b"),
        turn("tool", result("a")),
        turn("tool", result("b")),
    )
    found = thread(*turns)
    assert [message["role"] for message in found] == ["user", "assistant", "tool", "tool"]
    assert [call["id"] for call in found[1]["tool_calls"]] == ["a", "b"]


def test_ao2__call_without_a_result__gets_one_that_says_so() -> None:
    found = thread(HELLO, calling("a", "b"), turn("user", result("b"), "Go on."))
    assert "no result" in found[2]["content"]
    assert found[3]["content"] == "sunny"


def test_ao2__instructions_between_call_and_result__come_after_it() -> None:
    found = thread(HELLO, calling("a"), turn("system", "Be brief."), turn("tool", result("a")))
    assert [message["role"] for message in found] == ["user", "assistant", "tool", "system"]


def test_ao2__result_of_no_call__is_refused() -> None:
    assert refusal(HELLO, turn("user", result("a"))).param == "messages"


def test_ao2__two_calls_with_one_id__are_refused() -> None:
    assert refusal(HELLO, calling("a", "a")).param == "messages"


@pytest.mark.parametrize(
    ("parts", "is_error", "expected"),
    [
        ((Text("one"), Text("two")), False, "one\ntwo"),
        ((Text(""),), False, ""),
        ((Text("no such city"),), True, "Error: no such city"),
        ((Text("Error: gone"),), True, "Error: gone"),
        ((File(data="b2zDoQ==", media_type="text/plain", name="a.txt"),), False, "a.txt:\nolá"),
    ],
)
def test_ao3__result__keeps_its_text_and_shows_a_failure(
    parts: tuple[Any, ...], is_error: bool, expected: str
) -> None:
    found = thread(HELLO, calling("a"), turn("user", result("a", *parts, is_error=is_error)))
    assert found[-1] == {"role": "tool", "tool_call_id": "a", "content": expected}


def test_ao3__result_without_parts__is_an_empty_text() -> None:
    empty = turn("user", result("a", Text("")))
    assert thread(HELLO, calling("a"), empty)[-1]["content"] == ""


def test_ao3__images_of_results__follow_in_one_users_message() -> None:
    user = turn("user", result("a", PNG), result("b", Text("seen"), PNG, PDF), "Compare them.")
    *_, first, second, after = thread(HELLO, calling("a", "b"), user)
    assert (first["role"], second["role"]) == ("tool", "tool")
    assert first["content"]
    assert second["content"] == "seen"
    assert after["role"] == "user"
    kinds = [part["type"] for part in after["content"]]
    assert kinds == ["text", "image_url", "text", "image_url", "file", "text"]
    assert after["content"][1] == SHOWN_PNG
    assert after["content"][-1] == text("Compare them.")


def test_ao3__images_of_the_last_result__follow_though_no_text_does() -> None:
    *_, last = thread(HELLO, calling("a"), turn("tool", result("a", PNG)))
    assert [part["type"] for part in last["content"]] == ["text", "image_url"]


def test_ao4__assistant_turn__is_content_and_calls_without_its_thoughts() -> None:
    thought = Thinking("Hm.", "sig-1", origin="anthropic")
    said_before = (thought, Text("Let me see."), Text(""))
    found = outgoing(HELLO, calling("a", before=said_before), turn("user", result("a")))
    arguments = '{"city": "Roma"}'
    call = {"id": "a", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    assert found.body["messages"][1] == said("assistant", "Let me see.", tool_calls=[call])
    assert found.dropped == ("reasoning_content",)


def test_ao4__call_alone__has_no_content_and_whole_arguments() -> None:
    turns = (HELLO, turn("assistant", Text(""), ToolCall("a", "clock", "")))
    message = thread(*turns, turn("tool", result("a")))[1]
    assert message["content"] is None
    assert message["tool_calls"][0]["function"]["arguments"] == "{}"


def test_ao4__turn_of_nothing_but_thoughts__is_left_out() -> None:
    found = thread(HELLO, turn("assistant", Thinking(redacted="opaque")), HELLO)
    assert [message["role"] for message in found] == ["user", "user"]


def test_ao5__parts__keep_their_order_and_kind() -> None:
    parts: list[Part | str] = [
        "Compare",
        PNG,
        Image(url="https://x.test/a.png"),
        PDF,
        File(file_id="file-1"),
        Audio("UklG", "wav"),
        File(data="YQ==", media_type="text/csv"),
        File(data="iVBORw0KGgo=", media_type="image/png"),
        "",
    ]
    (message,) = thread(turn("user", *parts))
    assert message["content"] == [
        text("Compare"),
        SHOWN_PNG,
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
        },
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        text("a"),
        SHOWN_PNG,
    ]


@pytest.mark.parametrize(
    "file",
    [
        File(url="https://x.test/a.pdf"),
        File(file_id="file_of_anthropic"),
        File(data="AAAA", media_type="video/mp4"),
        File(data="/w==", media_type="text/plain"),
    ],
)
def test_ao5__file_without_a_form_here__is_refused_by_name(file: File) -> None:
    error = refusal(turn("user", file))
    assert (error.param, bool(error.message)) == ("messages", True)


def test_ao5__image_of_an_assistant__is_refused() -> None:
    assert refusal(HELLO, turn("assistant", PNG)).param == "messages"


def test_ao5__file_by_address__goes_where_the_server_fetches_it() -> None:
    file = File(url="https://x.test/a.pdf", name="a.pdf")
    (message,) = thread(turn("user", file), kind="openrouter")
    (part,) = message["content"]
    assert part["file"] == {"filename": "a.pdf", "file_data": "https://x.test/a.pdf"}


def test_empty_question__is_still_a_message() -> None:
    assert thread(turn("user", "")) == [said("user", "")]


def test_name__legal__is_kept_and_any_other_dropped() -> None:
    found = outgoing(turn("user", "Hi", name="ana"), turn("user", "Hi", name="a b"))
    assert [message.get("name") for message in found.body["messages"]] == ["ana", None]
    assert found.dropped == ("messages.name",)


IMAGE_RESULT = [text("seen"), SHOWN_PNG]


def test_oo11__same_dialect__moves_a_results_image_behind_the_results() -> None:
    function = {"name": "f", "arguments": "{}"}
    calls = [{"id": each, "type": "function", "function": function} for each in "ab"]
    messages = [
        said("user", "Hi"),
        said("assistant", None, tool_calls=calls),
        said("tool", IMAGE_RESULT, tool_call_id="a"),
        said("tool", "plain", tool_call_id="b"),
        said("user", "Thanks."),
    ]
    found = sent_on({"messages": messages}).body["messages"]
    assert [message["role"] for message in found] == [
        *("user", "assistant", "tool", "tool", "user", "user")
    ]
    assert found[2]["content"] == [text("seen")]
    assert found[4]["content"][1] == SHOWN_PNG
    assert found[:2] == messages[:2]
    assert messages[2]["content"] == IMAGE_RESULT
