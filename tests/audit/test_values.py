"""What the trail may hold."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from apps.audit.values import HIDDEN, LONGEST_TEXT, MOST_ITEMS, names_secret, safe_changes

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (1e22, "1e+22"),
        ("text", "text"),
        ("a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
        (WHEN, "2026-01-02 03:04:05+00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ((1, "a"), [1, "a"]),
        ({"a": {"b": [1.5]}}, {"a": {"b": ["1.5"]}}),
        (b"secret bytes", "(12 bytes)"),
    ],
)
def test_safe_changes__a_value__becomes_what_json_gives_back(value: Any, stored: Any) -> None:
    assert safe_changes({"field": value}) == {"field": stored}


@pytest.mark.parametrize("name", ["secret", "client_secret", "password", "ciphertext", "digest"])
def test_safe_changes__secret_field__is_hidden_at_any_depth(name: str) -> None:
    assert safe_changes({name: "x", "a": {name: "x"}}) == {name: HIDDEN, "a": {name: HIDDEN}}


@pytest.mark.parametrize("name", ["tokens_per_minute", "max_output_tokens", "name", "secretary"])
def test_names_secret__harmless_field__is_shown(name: str) -> None:
    assert not names_secret(name)


def test_safe_changes__huge_value__is_cut() -> None:
    stored = safe_changes({"text": "x" * 10_000, "list": list(range(10_000))})
    assert len(str(stored["text"])) == LONGEST_TEXT
    assert stored["list"] == list(range(MOST_ITEMS))


def test_safe_changes__endless_nesting__is_cut() -> None:
    value: list[Any] = []
    value.append(value)
    assert "…" in str(safe_changes({"loop": value}))
