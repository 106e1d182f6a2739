"""Token estimates: families, bounds, and texts that break naive counters."""

import time

import pytest

from apps.core.chat import Message
from apps.core.tokens import COUNTED_CHARACTERS, estimate_messages, estimate_tokens

ENGLISH = "The quick brown fox jumps over the lazy dog. "


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
