"""OG9-OG15: what Gemini answers, read into the neutral types."""

import re
from typing import Any

import pytest

from apps.core.chat import Text, Thinking, ToolCall
from apps.providers.adapters.base import AttemptError
from tests.providers.gemini_calls import chunk_of, read

ROME = {"functionCall": {"name": "get_weather", "args": {"city": "Roma"}}}
TOKYO = {"functionCall": {"name": "get_weather", "args": {"city": "東京"}}}
USAGE = {
    "promptTokenCount": 20,
    "toolUsePromptTokenCount": 3,
    "cachedContentTokenCount": 5,
    "candidatesTokenCount": 7,
    "thoughtsTokenCount": 2,
    "totalTokenCount": 32,
}


def ended(reason: str, *parts: dict[str, Any]) -> tuple[str, str | None]:
    """Return how an answer with these parts and this reason ends, whole and streamed."""
    events, reader = read(chunk_of(*parts, reason=reason))
    streamed = [event.finish_reason for event in [*events, *reader.end()] if event.finish_reason]
    assert streamed == [reader.whole().finish_reason]
    return reader.whole().text, streamed[0]


def test_og9__thoughts__are_thinking_and_never_text() -> None:
    chunks = [
        chunk_of({"text": "Hm, ", "thought": True}),
        chunk_of({"text": "so.", "thought": True, "thoughtSignature": "c2ln"}),
        chunk_of({"text": "Hi."}, reason="STOP"),
    ]
    events, reader = read(*chunks)
    thought = Thinking("Hm, so.", "c2ln", origin="google")
    assert [event.thinking for event in events if event.thinking] == ["Hm, ", "so."]
    assert [event.thought for event in events if event.thought] == [thought]
    assert "".join(event.text for event in events) == "Hi."
    assert reader.whole().parts == (thought, Text("Hi."))
    assert reader.whole().text == "Hi."


def test_og10_ag1__signatures__are_kept_on_calls_and_beside_texts() -> None:
    signed = chunk_of({"text": "Hi."}, {**ROME, "thoughtSignature": "YQ=="}, TOKYO)
    last = chunk_of({"text": "", "thoughtSignature": "Yg=="}, reason="STOP")
    events, reader = read(signed, last)
    calls = [event.tool_call for event in events if event.tool_call]
    assert [(call.signature, call.origin) for call in calls] == [("YQ==", "google"), ("", "")]
    text, first, second, signature = reader.whole().parts
    assert text == Text("Hi.")
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert (first.signature, first.origin, second.signature) == ("YQ==", "google", "")
    assert signature == Thinking("", "Yg==", origin="google")
    assert [event.thought for event in events if event.thought] == [signature]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("CONTINUATION", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("LANGUAGE", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("IMAGE_OF_TOMORROW", "content_filter"),
        ("A_REASON_OF_TOMORROW", "stop"),
        ("OTHER", "stop"),
    ],
)
def test_og11__reason__is_mapped_and_an_unknown_one_ends_too(reason: str, expected: str) -> None:
    assert ended(reason, {"text": "Hi."}) == ("Hi.", expected)


def test_og11__stop_with_a_function_call__is_tool_calls_also_when_it_comes_later() -> None:
    assert ended("STOP", ROME)[1] == "tool_calls"
    _events, reader = read(chunk_of(ROME), chunk_of({"text": ""}, reason="STOP"))
    assert reader.end()[-1].finish_reason == "tool_calls"
    assert ended("MAX_TOKENS", ROME)[1] == "length"


def test_og11__stop_on_every_chunk__does_not_close_early() -> None:
    events, reader = read(*(chunk_of({"text": word}, reason="STOP") for word in ("a", "b", "c")))
    assert [event.text for event in events] == ["a", "b", "c"]
    assert not any(event.finish_reason for event in events)
    assert [event.finish_reason for event in reader.end()] == ["stop"]


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"])
def test_og11__spoiled_call__is_an_error_that_another_try_may_mend(reason: str) -> None:
    for parts, streamed in (((), "unavailable"), (({"text": "Hi."},), "cut")):
        _events, reader = read(chunk_of(*parts, reason=reason))
        with pytest.raises(AttemptError, match=reason) as whole:
            reader.whole()
        assert (whole.value.kind, whole.value.provider_code) == ("unavailable", reason)
        with pytest.raises(AttemptError, match=reason) as told:
            reader.end()
        assert told.value.kind == streamed


def test_og12__blocked_prompt__is_a_filtered_answer() -> None:
    _events, reader = read({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE})
    whole = reader.whole()
    assert (whole.text, whole.finish_reason, whole.usage.input_tokens) == ("", "content_filter", 23)


@pytest.mark.parametrize("content", [{}, {"content": {}}, {"content": {"role": "model"}}])
def test_og12__candidate_without_content__is_an_empty_answer(content: dict[str, Any]) -> None:
    chunk = {"candidates": [{**content, "finishReason": "MAX_TOKENS"}]}
    events, reader = read(chunk)
    assert (events, reader.whole().text, reader.whole().finish_reason) == ([], "", "length")


def test_og13__parallel_calls_in_one_chunk__are_apart_with_stable_short_ids() -> None:
    first, second = (read(chunk_of(ROME, TOKYO), chunk_of(reason="STOP"))[0] for _ in range(2))
    calls = [event.tool_call for event in first if event.tool_call]
    assert [call.index for call in calls] == [0, 1]
    assert [call.arguments for call in calls] == ['{"city":"Roma"}', '{"city":"東京"}']
    ids = [call.id for call in calls]
    assert len(set(ids)) == 2
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", each) for each in ids)
    assert ids == [event.tool_call.id for event in second if event.tool_call]


def test_og13__ids_of_the_provider__are_kept_unless_others_would_refuse_them() -> None:
    calls = [{"functionCall": {"name": "f", "id": each}} for each in ("abc", "a:b", "x" * 99)]
    events, _reader = read(chunk_of(*calls))
    ids = [event.tool_call.id for event in events if event.tool_call]
    assert ids[0] == "abc"
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", each) for each in ids)
    assert [event.tool_call.arguments for event in events if event.tool_call] == ["{}"] * 3


def test_og14__usage__is_cumulative_and_the_last_one_holds() -> None:
    early = {"promptTokenCount": 20, "candidatesTokenCount": 1}
    _events, reader = read(
        chunk_of({"text": "a"}, usageMetadata=early),
        chunk_of({"text": "b"}, reason="STOP", usageMetadata=USAGE),
        # Nothing more is said of reason and counts: those that were said hold.
        chunk_of(),
    )
    usage = reader.end()[-1].usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (23, 9)
    assert (usage.cached_input_tokens, usage.reasoning_tokens) == (5, 2)
    assert usage.input_tokens + usage.output_tokens == USAGE["totalTokenCount"]
    assert not usage.is_estimated


def test_og14__usage_that_was_not_sent__is_estimated_with_calls_and_thoughts() -> None:
    little = read(chunk_of({"text": "Hi."}, reason="STOP"))[1].whole().usage
    thought = {"text": "a thought of many words " * 9, "thought": True}
    much = read(chunk_of(thought, ROME, {"text": "Hi."}, reason="STOP"))[1].whole().usage
    assert little.is_estimated
    assert much.is_estimated
    assert much.output_tokens > little.output_tokens + 20


def test_og7__logprobs__have_openais_form() -> None:
    token = {"token": "é", "tokenId": 7, "logProbability": -0.5}
    found = {"chosenCandidates": [token], "topCandidates": [{"candidates": [token, {}]}]}
    chunk = chunk_of({"text": "é"}, reason="STOP")
    chunk["candidates"][0]["logprobsResult"] = found
    (event,), reader = read(chunk)
    (told,) = (event.logprobs or {})["content"]
    assert (told["token"], told["logprob"], told["bytes"]) == ("é", -0.5, [195, 169])
    assert [each["token"] for each in told["top_logprobs"]] == ["é", ""]
    assert reader.whole().logprobs == event.logprobs


def test_stream__without_a_reason__is_cut_and_an_empty_whole_is_no_answer() -> None:
    _events, reader = read(chunk_of({"text": "Hi."}))
    with pytest.raises(AttemptError) as cut:
        reader.end()
    assert cut.value.kind == "cut"
    _events, nothing = read({"usageMetadata": USAGE})
    with pytest.raises(AttemptError) as empty:
        nothing.whole()
    assert empty.value.kind == "unavailable"


@pytest.mark.parametrize(
    "chunk",
    [
        {"candidates": None},
        {"candidates": [None]},
        {"candidates": [{"content": {"parts": [None, {"text": None}, {"functionCall": None}]}}]},
        {"candidates": [{"content": "x", "finishReason": "FINISH_REASON_UNSPECIFIED"}]},
        {"usageMetadata": {"promptTokenCount": "many"}, "promptFeedback": {}},
    ],
)
def test_chunk__that_says_nothing__is_no_event(chunk: dict[str, Any]) -> None:
    events, reader = read(chunk)
    assert events == []
    with pytest.raises(AttemptError):
        reader.end()
