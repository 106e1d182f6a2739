"""The turns of Anthropic bodies in the neutral form. AO1 to AO5, AG1."""

from typing import Any

import pytest

from apps.core.chat import (
    File,
    Image,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from apps.core.errors import InvalidRequest
from apps.gateway.wire.gemini.signatures import wrap
from tests.gateway.anthropic_bodies import (
    ASKED,
    MARK,
    PDF,
    PNG,
    asked,
    assistant,
    call,
    details_of,
    result,
    text,
    user,
)


def test_ao1__system_as_text_or_blocks__is_the_first_turn() -> None:
    assert details_of(system="A").turns[0] == Turn("system", (Text("A"),))
    marked = details_of(system=[text("A", cache_control=MARK), text("B")]).turns[0]
    assert marked == Turn("system", (Text("A", MARK), Text("B")))


def test_ao1__system_in_the_middle__stays_where_it_stands() -> None:
    turns = details_of(ASKED, {"role": "system", "content": "Hurry."}).turns
    assert [turn.role for turn in turns] == ["user", "system"]


def test_ao2__results_mixed_with_words__come_first_as_a_turn_of_the_tool() -> None:
    for told in (
        [user(text("Well?"), result("t1", "12:00"), text("Tell."))],
        [user(text("Well?")), user(result("t1", "12:00"), text("Tell."))],
    ):
        turns = details_of(ASKED, assistant(call("t1")), *told).turns
        assert turns[2:] == (
            Turn("tool", (ToolResult("t1", (Text("12:00"),)),)),
            Turn("user", (Text("Well?"), Text("Tell."))),
        )


def test_ao3__result__keeps_words_images_documents_and_its_error() -> None:
    content = [
        text("See:"),
        {"type": "image", "source": PNG},
        {"type": "document", "source": PDF, "title": "a.pdf"},
        {"type": "search_result", "title": "T", "source": "s", "content": [text("found")]},
    ]
    told = user(result("t1", content, is_error=True, cache_control=MARK), result("t2"))
    (turn,) = details_of(told).turns
    assert turn.parts == (
        ToolResult(
            "t1",
            (
                Text("See:"),
                Image(data="aGk=", media_type="image/png"),
                File(data="aGk=", media_type="application/pdf", name="a.pdf"),
                Text("T\ns\nfound"),
            ),
            is_error=True,
            cache_control=MARK,
        ),
        ToolResult("t2", ()),
    )


def test_ao4__assistant_turn__keeps_thoughts_words_and_calls_in_order() -> None:
    blocks = (
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        text("Let me see."),
        call("t1", zone="São Paulo"),
    )
    assert details_of(ASKED, assistant(*blocks)).turns[1].parts == (
        Thinking("Hm.", "c2ln", origin="anthropic"),
        Thinking(redacted="b3BhcXVl", origin="anthropic"),
        Text("Let me see."),
        ToolCall("t1", "clock", '{"zone":"São Paulo"}'),
    )


def test_ao4__thought_of_another_provider__is_known_as_its_own() -> None:
    blocks = (
        {"type": "thinking", "thinking": "Hm.", "signature": "google:c2ln"},
        {"type": "redacted_thinking", "data": "openai:b3BhcXVl"},
        {"type": "thinking", "thinking": "Unsigned.", "signature": ""},
    )
    assert details_of(ASKED, assistant(*blocks)).turns[1].parts == (
        Thinking("Hm.", "c2ln", origin="google"),
        Thinking(redacted="b3BhcXVl", origin="openai"),
        Thinking("Unsigned."),
    )


def test_x1__thought_that_came_through_geminis_dialect__is_known_as_its_own() -> None:
    """LangChain gives such signatures to its integration of Anthropic as they are."""
    thoughts = (
        Thinking("Hm.", "c2ln", origin="anthropic"),
        Thinking(redacted="b3BhcXVl", origin="anthropic"),
        Thinking("Hm.", "c2ln", origin="openai"),
    )
    blocks = [
        {"type": "thinking", "thinking": thought.text, "signature": wrap(thought)}
        for thought in thoughts
    ]
    assert details_of(ASKED, assistant(*blocks)).turns[1].parts == thoughts


def test_ag1__signature_of_a_call__goes_to_the_call_after_it() -> None:
    signed = {"type": "thinking", "thinking": "", "signature": "google:call:c2ln"}
    assert details_of(ASKED, assistant(signed, call("a"), call("b"))).turns[1].parts == (
        ToolCall("a", "clock", "{}", signature="c2ln", origin="google"),
        ToolCall("b", "clock", "{}"),
    )


def test_ao5__images_and_documents__are_read_in_every_form() -> None:
    url = {"type": "url", "url": "https://x.example/a"}
    by_id = {"type": "file", "file_id": "file_1"}
    words = {"type": "text", "media_type": "text/plain", "data": "Words."}
    blocks = [
        *({"type": "image", "source": source} for source in (PNG, url, by_id)),
        *({"type": "document", "source": source, "title": "T"} for source in (PDF, url, by_id)),
        {"type": "document", "source": words, "title": "T", "context": "C"},
        {"type": "document", "source": {"type": "content", "content": "Plain."}},
        {"type": "document", "source": {"type": "content", "content": [text("In a block.")]}},
    ]
    assert details_of(user(*blocks)).turns[0].parts == (
        Image(data="aGk=", media_type="image/png"),
        Image(url="https://x.example/a"),
        File(file_id="file_1"),
        File(data="aGk=", media_type="application/pdf", name="T"),
        File(url="https://x.example/a", name="T"),
        File(file_id="file_1", name="T"),
        Text("T\n\nC\n\nWords."),
        Text("Plain."),
        Text("In a block."),
    )


@pytest.mark.parametrize(
    ("block", "param"),
    [
        ({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, ".type"),
        ({"type": "image", "source": {"type": "tape"}}, ".source.type"),
        ({"type": "image", "source": "x"}, "source"),
        ({"type": "document", "source": {"type": "url"}}, ".source.url"),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "x"}]}},
            ".source.content[0]",
        ),
        ({"type": "tool_use", "id": "t", "name": "n", "input": []}, ".input"),
        ({"type": "tool_use", "id": "t"}, ".name"),
        ({"type": "tool_result"}, ".tool_use_id"),
    ],
)
def test_ao5__block_that_cannot_be_translated__is_named(block: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as told:
        details_of(user(block))
    assert str(told.value.param).endswith(param)


def test_documents__in_each_other_without_end__are_refused() -> None:
    block: dict[str, Any] = text("x")
    for _ in range(900):
        block = {"type": "document", "source": {"type": "content", "content": [block]}}
    with pytest.raises(InvalidRequest):
        details_of(user(block))


# --- What Anthropic reads of others ---------------------------------------------------------------

OWN = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
FOREIGN: tuple[dict[str, Any], ...] = (
    {"type": "thinking", "thinking": "Hm.", "signature": "google:c2ln"},
    {"type": "thinking", "thinking": "", "signature": "google:call:c2ln"},
    {"type": "thinking", "thinking": "Unsigned.", "signature": ""},
    {"type": "redacted_thinking", "data": "openai:b3BhcXVl"},
)
ENABLED = {"type": "enabled", "budget_tokens": 2_048}


@pytest.mark.parametrize("thought", FOREIGN)
def test_ao4_x1__thought_of_another__never_reaches_anthropic(thought: dict[str, Any]) -> None:
    chat = asked(ASKED, assistant(thought, text("So."), OWN), ASKED, assistant(thought), ASKED)
    assert chat.body()["messages"] == [ASKED, assistant(text("So."), OWN), ASKED, ASKED]
    assert chat.raw["messages"][1]["content"][0] == thought


def test_x1__thought_that_came_through_geminis_dialect__reaches_anthropic_if_its_own() -> None:
    wrapped = {**OWN, "signature": wrap(Thinking("Hm.", "c2ln", origin="anthropic"))}
    hidden = wrap(Thinking(redacted="b3BhcXVl", origin="anthropic"))
    foreign = {**OWN, "signature": wrap(Thinking("Hm.", "c2ln", origin="openai"))}
    told = user(result("t1", "12:00"))
    first = assistant(foreign, {**OWN, "thinking": "", "signature": hidden}, wrapped, call("t1"))
    chat = asked(ASKED, first, told, thinking=ENABLED)
    kept = ({"type": "redacted_thinking", "data": "b3BhcXVl"}, OWN, call("t1"))
    assert chat.body() == {**chat.raw, "messages": [ASKED, assistant(*kept), told]}


def test_x1__calls_that_nobody_thought_about__go_on_without_thinking() -> None:
    told = user(result("t1", "12:00"))
    for thoughts in ((), FOREIGN[:1]):
        chat = asked(ASKED, assistant(*thoughts, call("t1")), told, thinking=ENABLED)
        assert chat.body()["thinking"] == {"type": "disabled"}
        assert chat.body()["messages"][1] == assistant(call("t1"))
    own = asked(ASKED, assistant(OWN, call("t1")), told, thinking=ENABLED)
    assert own.body() == own.raw
    later = asked(
        ASKED, assistant(call("t1")), told, assistant(text("So.")), ASKED, thinking=ENABLED
    )
    assert later.body()["thinking"] == ENABLED
