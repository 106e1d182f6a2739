"""Token estimates: families, bounds, and texts that break naive counters."""

import time
from typing import Any

import pytest

from apps.core.chat import Message
from apps.core.tokens import (
    COUNTED_CHARACTERS,
    IMAGE_TOKENS,
    MOST_FILE_TOKENS,
    estimate_body,
    estimate_messages,
    estimate_tokens,
    text_of_tokens,
)

ENGLISH = "The quick brown fox jumps over the lazy dog. "


def test_text_of_tokens__of_openais_embeddings__is_what_was_meant() -> None:
    assert text_of_tokens([43819, 1995, 61696, 109, 47653, 11410, 234, 235]) == "Olá 東京 🌍"
    assert text_of_tokens([100_255]) == " Conveyor"


@pytest.mark.parametrize("tokens", [[-1], [100_256], [10**12], [11410]])
def test_text_of_tokens__that_are_none_or_half_a_character__is_refused(tokens: list[int]) -> None:
    with pytest.raises(ValueError, match=r"no such token|UTF-8"):
        text_of_tokens(tokens)


def test_estimate_tokens__empty_text__is_zero() -> None:
    assert estimate_tokens("gpt-5", "") == 0


@pytest.mark.parametrize(
    ("model", "expected"),
    [("gpt-4o", 10), ("gpt-4", 10), ("gpt-3.5-turbo", 10), ("claude-x", 13), ("gemini-2", 11)],
)
def test_estimate_tokens__families__use_their_factor(model: str, expected: int) -> None:
    assert estimate_tokens(model, ENGLISH.strip()) == expected


def test_estimate_tokens__older_vocabulary__differs_for_portuguese() -> None:
    text = "As informações não estão disponíveis; a solução é recomeçar amanhã de manhã."
    assert estimate_tokens("gpt-4-0613", text) > estimate_tokens("gpt-4.1", text)


def test_estimate_tokens__path_like_names__are_read_by_their_last_part() -> None:
    text = ENGLISH * 20
    assert estimate_tokens("anthropic/claude-x", text) == estimate_tokens("claude-x", text)


def test_estimate_tokens__special_tokens_in_text__count_as_plain_text() -> None:
    assert estimate_tokens("gpt-5", "<|endoftext|>") > 1


def test_estimate_tokens__lone_surrogate__does_not_fail() -> None:
    assert estimate_tokens("gpt-5", "broken \ud83d emoji") > 0


def test_estimate_tokens__very_long_text__is_sampled_within_two_percent() -> None:
    text = ENGLISH * (COUNTED_CHARACTERS // len(ENGLISH) * 8)
    expected = estimate_tokens("gpt-5", text[:COUNTED_CHARACTERS]) * len(text) / COUNTED_CHARACTERS
    assert estimate_tokens("gpt-5", text) == pytest.approx(expected, rel=0.02)


def test_estimate_tokens__very_long_text__costs_no_more_than_a_few_bounded_ones() -> None:
    bounded, huge = ENGLISH * 4_000, ENGLISH * 200_000
    estimate_tokens("gpt-5", bounded)
    before = time.perf_counter()
    estimate_tokens("gpt-5", bounded)
    middle = time.perf_counter()
    estimate_tokens("gpt-5", huge)
    # Fifty times the text; a count of all of it would take about fifty times as long.
    assert time.perf_counter() - middle < 20 * (middle - before) + 0.05


def test_estimate_messages__adds_the_wrapping_of_each_turn() -> None:
    turns = (Message("system", "Be brief."), Message("user", "Hello"))
    bare = sum(estimate_tokens("gpt-5", turn.text) for turn in turns)
    assert estimate_messages("gpt-5", turns) == bare + 2 * 4 + 3


# --- Whole bodies ---------------------------------------------------------------------------------

BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": [{"type": "text", "text": ENGLISH}]}],
}
ENCODED = "iVBORw0KGgoAAAANSUhEUgAA" * 400
IMAGES: tuple[dict[str, Any], ...] = (
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ENCODED}},
    {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}},
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{ENCODED}"}},
    {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
    {"inlineData": {"mimeType": "image/png", "data": ENCODED}},
    {"fileData": {"mimeType": "image/png", "fileUri": "gs://x/a.png"}},
)


def with_parts(*parts: Any) -> dict[str, Any]:
    return {**BODY, "messages": [{"role": "user", "content": [*parts]}, *BODY["messages"]]}


def test_estimate_body__any_addition__makes_it_more() -> None:
    least = estimate_messages("gpt-5", [Message("user", ENGLISH)])
    tool = {"name": "clock", "description": "Tells.", "input_schema": {"type": "object"}}
    call = {"type": "tool_use", "id": "t", "name": "clock", "input": {"zone": "UTC"}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "x"}]}
    bodies = (BODY, {**BODY, "tools": [tool]}, {**BODY, "tools": [tool, tool]})
    counts = [least, *(estimate_body("gpt-5", body) for body in bodies)]
    assert counts == sorted(set(counts))
    plain = estimate_body("gpt-5", BODY)
    assert (
        plain
        < estimate_body("gpt-5", with_parts(call))
        < estimate_body("gpt-5", with_parts(call, result))
    )


@pytest.mark.parametrize("image", IMAGES)
def test_estimate_body__image_in_any_dialect__is_no_text(image: dict[str, Any]) -> None:
    more = estimate_body("gpt-5", with_parts(image)) - estimate_body("gpt-5", with_parts())
    assert IMAGE_TOKENS <= more < IMAGE_TOKENS + 60


def test_estimate_body__documents__count_by_size_within_bounds() -> None:
    def cost(data: str) -> int:
        source = {"type": "base64", "media_type": "application/pdf", "data": data}
        return estimate_body("gpt-5", with_parts({"type": "document", "source": source}))

    assert cost(ENCODED) < cost(ENCODED * 20)
    assert cost(ENCODED * 2_000) < MOST_FILE_TOKENS + 100
    words = {"type": "document", "source": {"type": "text", "data": ENGLISH * 20}}
    assert estimate_body("gpt-5", with_parts(words)) > 200


def test_estimate_body__address_among_arguments__is_no_image() -> None:
    call = {"type": "tool_use", "name": "fetch", "input": {"url": "https://x.example/"}}
    assert estimate_body("gpt-5", with_parts(call)) < 100


def test_estimate_body__deep_json__is_counted() -> None:
    deep: Any = "x"
    for _ in range(1_000):
        deep = {"a": [deep]}
    assert estimate_body("gpt-5", {"tools": [deep]}) > 1_000
