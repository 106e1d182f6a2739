"""OG1-OG3, OG10: conversations as Gemini's contents."""

from typing import Any

import pytest

from apps.core.chat import Text, Thinking, ToolCall, Turn
from apps.providers.adapters.google.signatures import NOT_SIGNED
from apps.providers.adapters.google.turns import FILLER, build_contents
from tests.providers.gemini_calls import (
    HELLO,
    NEW,
    OLD,
    PNG,
    PNG_URL,
    asked,
    calling,
    contents,
    outgoing,
    refusal,
    result,
)

IMAGE = {"type": "image_url", "image_url": {"url": PNG_URL}}
INLINE = {"inlineData": {"mimeType": "image/png", "data": PNG}}
SIGNED: dict[str, Any] = {"extra_content": {"google": {"thought_signature": "c2ln"}}}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def part_of(part: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return the only part of the only content that a part becomes."""
    ((_role, (found,)),) = contents(user(part), **options)
    assert isinstance(found, dict)
    return found


def file_part(**given: str) -> dict[str, Any]:
    return part_of({"type": "file", "file": given})


# --- OG1 ------------------------------------------------------------------------------------------


def test_og1__system_and_developer__become_the_instruction_wherever_they_stood() -> None:
    body = asked(
        {"role": "system", "content": "Be brief."},
        HELLO,
        {"role": "assistant", "content": "Hi."},
        {"role": "developer", "content": "Be kind."},
        HELLO,
    )
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}
    assert [each["role"] for each in body["contents"]] == ["user", "model", "user"]


def test_og1__instructions_alone__become_the_question() -> None:
    body = asked({"role": "system", "content": "Say hello."})
    assert "systemInstruction" not in body
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Say hello."}]}]
    nothing = asked({"role": "user", "content": ""})
    assert nothing["contents"] == [{"role": "user", "parts": [{"text": FILLER}]}]


def test_og1__turns_of_one_role__are_one_content_and_empty_texts_are_none() -> None:
    empty = {"role": "assistant", "content": ""}
    assert contents(HELLO, empty, HELLO) == [("user", [{"text": "Hello"}, {"text": "Hello"}])]


def test_og1__conversation_that_the_assistant_began__is_begun_by_a_user() -> None:
    found = contents({"role": "assistant", "content": "Hi."}, HELLO)
    assert [role for role, _parts in found] == ["user", "model", "user"]


def test_og1__system_with_an_image__is_refused_by_name() -> None:
    assert refusal({"role": "system", "content": [IMAGE]}, HELLO).param == "messages"


# --- OG2 ------------------------------------------------------------------------------------------


def test_og2__data_urls__are_inline_in_their_order() -> None:
    found = contents(user({"type": "text", "text": "a"}, IMAGE, {"type": "text", "text": "b"}))
    assert found == [("user", [{"text": "a"}, INLINE, {"text": "b"}])]


@pytest.mark.parametrize(("form", "kind"), [("wav", "audio/wav"), ("mp3", "audio/mp3")])
def test_og2__sound__is_inline_with_its_type(form: str, kind: str) -> None:
    part = part_of({"type": "input_audio", "input_audio": {"data": "aGk=", "format": form}})
    assert part == {"inlineData": {"mimeType": kind, "data": "aGk="}}


@pytest.mark.parametrize("kind", ["application/pdf", "video/mp4", "audio/ogg", "text/csv"])
def test_og2__files__are_inline_with_their_type(kind: str) -> None:
    part = file_part(file_data=f"data:{kind};base64,aGk=", filename="x")
    assert part == {"inlineData": {"mimeType": kind, "data": "aGk="}}


def test_og2__file_without_a_type__has_that_of_its_name() -> None:
    part = file_part(file_data="data:;base64,aGk=", filename="a.pdf")
    assert part["inlineData"]["mimeType"] == "application/pdf"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://x.test/cat.png?size=2", {"mimeType": "image/png"}),
        ("https://x.test/cat", {}),
        ("https://generativelanguage.googleapis.com/v1beta/files/abc", {}),
        ("https://www.youtube.com/watch?v=abc", {}),
    ],
)
def test_og2__address__goes_to_the_provider_who_fetches_it(url: str, kind: dict[str, str]) -> None:
    part = part_of({"type": "image_url", "image_url": {"url": url}})
    assert part == {"fileData": {**kind, "fileUri": url}}


def test_og2__address_that_is_not_fetched__is_refused_by_name() -> None:
    plain = {"type": "image_url", "image_url": {"url": "http://x.test/cat.png"}}
    assert refusal(user(plain)).param == "messages"
    secure = {"type": "image_url", "image_url": {"url": "https://x.test/cat.png"}}
    assert refusal(user(secure), model="gemini-2.0-flash").param == "messages"


def test_og2__file_ids__are_the_providers_own_or_refused() -> None:
    own = file_part(file_id="files/abc")
    address = "https://generativelanguage.googleapis.com/v1beta/files/abc"
    assert own == {"fileData": {"fileUri": address}}
    assert refusal(user({"type": "file", "file": {"file_id": "file-123"}})).param == "messages"


@pytest.mark.parametrize("kind", ["image/gif", "application/zip", ""])
def test_og2__type_that_the_provider_cannot_read__is_refused_by_name(kind: str) -> None:
    part = {"type": "file", "file": {"file_data": f"data:{kind};base64,aGk="}}
    assert refusal(user(part)).param == "messages"


# --- OG3 ------------------------------------------------------------------------------------------


def test_og3__results__bear_the_functions_name_and_the_calls_id_in_one_content() -> None:
    found = contents(
        HELLO, calling("a", "b"), result("b", "rain"), result("a", "sun"), HELLO, model=OLD
    )
    assert [role for role, _parts in found] == ["user", "model", "user", "user"]
    assert [part["functionCall"]["id"] for part in found[1][1]] == ["a", "b"]
    assert found[1][1][0]["functionCall"]["args"] == {"city": "Rome"}
    answers = [part["functionResponse"] for part in found[2][1]]
    assert answers == [
        {"id": "a", "name": "get_weather", "response": {"output": "sun"}},
        {"id": "b", "name": "get_weather", "response": {"output": "rain"}},
    ]
    assert found[3] == ("user", [{"text": "Hello"}])


@pytest.mark.parametrize(
    ("said", "response"),
    [
        ('{"celsius": 20}', {"celsius": 20}),
        ("[1, 2]", {"output": "[1, 2]"}),
        ("20 °C", {"output": "20 °C"}),
        ("", {"output": ""}),
    ],
)
def test_og3__result__is_always_an_object(said: str, response: dict[str, Any]) -> None:
    found = contents(HELLO, calling("a"), result("a", said))
    assert found[-1][1][0]["functionResponse"]["response"] == response


def test_og3__failed_result__is_told_as_an_error() -> None:
    found = contents(HELLO, calling("a"), result("a", "no such city", is_error=True))
    assert found[-1][1][0]["functionResponse"]["response"] == {"error": "no such city"}


def test_og3__call_that_was_broken_off__is_answered_and_an_orphan_is_refused() -> None:
    found = contents(HELLO, calling("a", "b"), result("a"), HELLO)
    answers = [part["functionResponse"] for part in found[2][1]]
    assert [each["id"] for each in answers] == ["a", "b"]
    assert "error" in answers[1]["response"]
    orphan = refusal(HELLO, calling("a"), result("nobody"))
    assert (orphan.param, "nobody" in orphan.message) == ("messages", True)
    assert refusal(HELLO, calling("a", "a")).param == "messages"


def test_og3__images_of_a_result__stay_with_it_or_follow_it() -> None:
    said = [{"type": "text", "text": "the map"}, IMAGE]
    newer = contents(HELLO, calling("a"), result("a", said), HELLO, model=NEW)
    response = newer[2][1][0]["functionResponse"]
    assert (response["response"], response["parts"]) == ({"output": "the map"}, [INLINE])
    older = contents(HELLO, calling("a"), result("a", said), HELLO, model=OLD)
    assert "parts" not in older[2][1][0]["functionResponse"]
    assert older[3] == ("user", [INLINE, {"text": "Hello"}])


@pytest.mark.parametrize("arguments", ["{", "[]", "5"])
def test_og3__arguments_that_are_no_object__are_refused_by_name(arguments: str) -> None:
    message = calling("a")
    message["tool_calls"][0]["function"]["arguments"] = arguments
    assert refusal(HELLO, message).param == "messages"


def test_og3__calls_of_one_turn_in_two_messages__are_answered_together() -> None:
    found = contents(HELLO, calling("a"), calling("b"), result("a"), result("b"))
    assert [role for role, _parts in found] == ["user", "model", "user"]
    assert [part["functionResponse"]["id"] for part in found[2][1]] == ["a", "b"]


# --- OG10 -----------------------------------------------------------------------------------------


def test_og10__signature_of_a_call__goes_back_with_it() -> None:
    found = contents(HELLO, calling("a", **SIGNED), result("a"), model=OLD)
    assert found[1][1][0]["thoughtSignature"] == "c2ln"


def test_og10__calls_without_their_signature__are_marked_where_one_is_wanted() -> None:
    newer = contents(HELLO, calling("a", "b"), result("a"), result("b"), model=NEW)
    marks = [part.get("thoughtSignature") for part in newer[1][1]]
    assert marks == [NOT_SIGNED, None], "the first call of a step speaks for all of them"
    older = contents(HELLO, calling("a"), result("a"), model=OLD)
    assert "thoughtSignature" not in older[1][1][0]


def test_og10__signature_of_another_provider__is_not_sent() -> None:
    foreign: dict[str, Any] = {"extra_content": {"anthropic": {"thought_signature": "c2ln"}}}
    found = contents(HELLO, calling("a", **foreign), result("a"), model=NEW)
    assert found[1][1][0]["thoughtSignature"] == NOT_SIGNED


def test_og10__thoughts__go_back_to_their_own_provider_only() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln", "origin": "google"},
        {"type": "thinking", "thinking": "Not ours.", "signature": "x", "origin": "anthropic"},
    ]
    message = {"role": "assistant", "content": "Hi.", "thinking_blocks": blocks}
    sent = outgoing(HELLO, message, HELLO)
    thought = {"text": "Hm.", "thought": True, "thoughtSignature": "c2ln"}
    assert sent.body["contents"][1]["parts"] == [thought, {"text": "Hi."}]
    assert sent.dropped == ["reasoning_content"]


def test_og10__signature_of_a_text__is_beside_it_again_wherever_it_was_kept() -> None:
    signature = Thinking("", "c2ln", origin="google")
    text = {"text": "Hi.", "thoughtSignature": "c2ln"}
    for parts in ((signature, Text("Hi.")), (Text("Hi."), signature)):
        _filler, answer = build_contents([Turn("assistant", parts)], [])
        assert answer["parts"] == [text]
    call = ToolCall("a", "f", "")
    _filler, alone, *_ = build_contents([Turn("assistant", (signature, call))], [])
    assert {"text": "", "thoughtSignature": "c2ln"} in alone["parts"]


def test_dropped__names_and_cache_marks__are_told() -> None:
    marked = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    sent = outgoing({**user(marked), "name": "Ann"})
    assert set(sent.dropped) == {"messages.name", "cache_control"}
