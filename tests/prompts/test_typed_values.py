"""Values as people type them: read by type, written back the same."""

from typing import Any

import pytest

from apps.prompts.typed_values import NotReadable, to_text, to_value


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", " Ana ", "Ana"),
        ("text", "  ", None),
        ("number", "3", 3),
        ("number", "-2.5", -2.5),
        ("boolean", "Yes", True),
        ("boolean", "não", False),
        ("list", "a, b,, c", ["a", "b", "c"]),
        ("list", '["a,b", 1, true]', ["a,b", 1, True]),
    ],
)
def test_to_value__text_of_a_type__is_read(kind: str, text: str, value: Any) -> None:
    assert to_value(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [("number", "three"), ("number", "--1"), ("boolean", "perhaps"), ("list", "[1,")],
)
def test_to_value__text_of_another_type__is_refused(kind: str, text: str) -> None:
    with pytest.raises(NotReadable):
        to_value(kind, text)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "x"),
        ("number", 1.5),
        ("boolean", False),
        ("list", ["a", "b"]),
        ("list", ["a,b", 1]),
    ],
)
def test_to_text__any_value__is_read_back_the_same(kind: str, value: Any) -> None:
    assert to_value(kind, to_text(value)) == value
