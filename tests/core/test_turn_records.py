"""Turns written down and read back: nothing is lost, and what cannot be read is refused."""

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.chat import (
    Audio,
    File,
    Image,
    Message,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from apps.core.turn_records import KIND_OF_PART, ROLES, turn_of, turn_record

# Lone surrogates come through JSON bodies, so they are among the texts.
texts = st.text(st.characters(exclude_categories=()), max_size=12)
scalars = st.none() | st.booleans() | st.integers() | texts
objects = st.dictionaries(texts, st.recursive(scalars, lambda inner: st.lists(inner), max_leaves=4))
marks = st.none() | objects
text_parts = st.builds(Text, texts, marks)
images = st.builds(Image, texts, texts, texts, marks)
files = st.builds(File, texts, texts, texts, texts, texts, marks)
results = st.builds(
    ToolResult, texts, st.lists(text_parts | images | files).map(tuple), st.booleans(), marks
)
parts: st.SearchStrategy[Part] = (
    text_parts
    | images
    | files
    | results
    | st.builds(Audio, texts, texts)
    | st.builds(Thinking, texts, texts, texts, texts)
    | st.builds(ToolCall, texts, texts, texts, texts, texts)
)
turns = st.builds(Turn, st.sampled_from(ROLES), st.lists(parts, max_size=5).map(tuple), texts)


@given(turns)
def test_turn_record__through_json_and_back__is_the_same_turn(turn: Turn) -> None:
    assert turn_of(json.loads(json.dumps(turn_record(turn)))) == turn


def test_turn_record__of_a_plain_message__is_short_and_begins_with_its_version() -> None:
    record = turn_record(Message("user", "Hello").as_turn())
    assert record == {"v": 1, "role": "user", "parts": [{"kind": "text", "text": "Hello"}]}
    assert next(iter(record)) == "v"


def test_turn_record__of_a_signed_thought__keeps_whose_it_is() -> None:
    turn = Turn("assistant", (Thinking("hm", "sig", "", "anthropic"),))
    assert turn_record(turn)["parts"] == [
        {"kind": "thinking", "text": "hm", "signature": "sig", "origin": "anthropic"}
    ]


@pytest.mark.parametrize("part", [kind for kind in KIND_OF_PART if kind is not ToolResult])
def test_turn_record__with_every_field_of_a_part_set__loses_none(part: type[Any]) -> None:
    values = {
        field.name: {"type": "ephemeral"} if field.name == "cache_control" else f"a {field.name}"
        for field in fields(part)
    }
    record = turn_record(Turn("user", (part(**values),)))
    assert record["parts"] == [{"kind": KIND_OF_PART[part], **values}]
    assert all(field.default in {MISSING, "", None} for field in fields(part))


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        ({"role": "user", "parts": []}, "version None"),
        ({"v": 2, "role": "user", "parts": []}, "version 2"),
        ({"v": 1, "role": "judge", "parts": []}, "no role 'judge'"),
        ({"v": 1, "role": "user", "parts": [{"kind": "smell"}]}, "kind 'smell'"),
        ({"v": 1, "role": "user", "parts": [{"kind": "text"}]}, "lacks text"),
        (
            {"v": 1, "role": "user", "parts": [{"kind": "text", "text": "", "tone": 1}]},
            "has no tone",
        ),
    ],
)
def test_turn_of__what_is_no_turn_record__is_refused(
    record: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        turn_of(record)
