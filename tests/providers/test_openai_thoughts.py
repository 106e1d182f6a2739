"""Thoughts in tags within the text (OO7), wherever the stream is cut."""

import pytest

from apps.providers.adapters.openai.thoughts import InlineThoughts, split_content, split_inline

CASES = [
    ("<think>Hm.</think>Yes.", "Yes.", "Hm."),
    ("\n <think>\nHm.\n\nSo 👩‍👩‍👧.</think>\n\nYes.\n\nNo.", "Yes.\n\nNo.", "Hm.\n\nSo 👩‍👩‍👧."),
    ("<think></think>Yes.", "Yes.", ""),
    ("<think>Hm, </th and </thinks", "", "Hm, </th and </thinks"),
    ("<think>Hm.</think>Say <think>.", "Say <think>.", "Hm."),
    ("Say <think>Hm.</think>", "Say <think>Hm.</think>", ""),
    ("<thing>", "<thing>", ""),
    ("<thi", "<thi", ""),
    ("", "", ""),
]


@pytest.mark.parametrize(("content", "text", "thought"), CASES)
def test_oo7__tags_at_the_beginning__are_a_thought(content: str, text: str, thought: str) -> None:
    assert split_inline(content) == (text, thought)


@pytest.mark.parametrize(("content", "text", "thought"), CASES)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_oo7__tags_cut_anywhere__are_the_same_thought(
    content: str, text: str, thought: str, size: int
) -> None:
    splitter = InlineThoughts()
    pieces = [splitter.read(content[at : at + size]) for at in range(0, len(content), size)]
    pieces.append(splitter.end())
    assert "".join(piece[0] for piece in pieces) == text
    assert "".join(piece[1] for piece in pieces) == thought


def test_oo7__tags__hold_back_no_text_that_is_certain() -> None:
    splitter = InlineThoughts()
    assert splitter.read("<think>Hm") == ("", "Hm")
    assert splitter.read(". <") == ("", ". ")
    assert splitter.read("/think>Yes") == ("Yes", "")
    assert splitter.is_over


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, ("", "")),
        ("text", ("text", "")),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}], ("", "Hm.")),
        ([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "a"}], ("a", "Hm.")),
        ([{"type": "text", "text": None}, "odd", {"type": "image_url"}], ("", "")),
    ],
)
def test_oo7__content_of_parts__is_text_and_thought(
    content: object, expected: tuple[str, str]
) -> None:
    assert split_content(content) == expected
