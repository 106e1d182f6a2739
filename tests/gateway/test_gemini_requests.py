"""Gemini's contents as the router reads them, and as Gemini itself gets them. GI2."""

import base64
from typing import Any

import pytest

from apps.core.chat import (
    Audio,
    File,
    Image,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from apps.gateway.wire.gemini.signatures import wrap
from tests.gateway.gemini_bodies import (
    CLOCK,
    HELLO,
    PARIS,
    ROME,
    SIGNED,
    URLSAFE,
    ids_of,
    model,
    read,
    refused,
    result,
    turns,
    user,
)


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


@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        ({"output": "sun", "error": ""}, '{"output":"sun","error":""}', False),
        ({"error": {"code": 5}}, '{"code":5}', True),
        ({"result": [1]}, "[1]", False),
        ("sun", "sun", False),
        (None, "", False),
    ],
)
def test_gi2__result__is_the_one_thing_it_says(response: Any, text: str, is_error: bool) -> None:
    found = turns(user("Hi"), model(CLOCK), user(result("clock", response)))
    assert found[2].parts == (ToolResult("call_0", (Text(text),), is_error=is_error),)


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
