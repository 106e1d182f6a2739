"""Usage events as bytes: what goes in comes out, and nothing else comes out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.usage.codec import MalformedEvent, decode_event, encode_event
from apps.usage.types import AttemptRecord, UsageEvent
from tests.factories.usage import make_attempt, make_event

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
COUNT = st.integers(min_value=0, max_value=2**53)
# What an event of an older version, still in a journal, does not have.
OPTIONAL = {"facts", "health"}
STATUS = st.sampled_from(["ok", "error", "rejected", "cut", "cancelled"])


@st.composite
def attempts(draw: Callable[[Any], Any]) -> AttemptRecord:
    return make_attempt(
        id=draw(st.uuids()),
        deployment=draw(TEXT),
        status=draw(STATUS),
        http_status=draw(st.none() | st.integers(100, 599)),
        input_tokens=draw(COUNT),
        cost=draw(COUNT),
        ttft_ms=draw(st.none() | COUNT),
        is_estimated=draw(st.booleans()),
    )


@st.composite
def events(draw: Callable[[Any], Any]) -> UsageEvent:
    return make_event(
        event_id=draw(st.uuids()),
        at_ms=draw(st.integers(0, 4 * 10**12)),
        key=draw(TEXT),
        requested_model=draw(TEXT),
        tags=tuple(draw(st.lists(TEXT, max_size=4))),
        status=draw(STATUS),
        cache=draw(st.sampled_from(["off", "miss", "hit"])),
        is_streamed=draw(st.booleans()),
        cost=draw(COUNT),
        facts=draw(st.dictionaries(TEXT, TEXT | COUNT, max_size=3)),
        health=draw(st.dictionaries(TEXT, COUNT, max_size=2)),
        trace=draw(st.lists(st.dictionaries(TEXT, TEXT | COUNT, max_size=3), max_size=3)),
        attempts=tuple(draw(st.lists(attempts(), max_size=3))),
    )


@given(events())
def test_event__encoded_and_decoded__is_the_same(event: UsageEvent) -> None:
    assert decode_event(encode_event(event)) == event


def test_event__encoded__has_no_line_break() -> None:
    assert b"\n" not in encode_event(make_event(key="a\nb"))


@given(st.binary(max_size=60))
def test_bytes__of_anything_else__are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedEvent):
        decode_event(data)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event_id", "x"),
        ("tenant_id", None),
        ("at_ms", "now"),
        ("at_ms", -1),
        ("at_ms", 10**18),
        ("cost", 1.5),
        ("cost", 2**63),
        ("status", "great"),
        ("status", ["ok"]),
        ("tags", None),
        ("trace", "x"),
        ("facts", []),
        ("health", "x"),
        ("attempts", [{}]),
        ("attempts", {"a": 1}),
        ("total_ms", None),
        ("is_streamed", 1),
        ("key", 7),
        ("surplus", 1),
    ],
)
def test_event__with_a_wrong_field__is_malformed(name: str, value: Any) -> None:
    fields = orjson.loads(encode_event(make_event())) | {name: value}
    with pytest.raises(MalformedEvent):
        decode_event(orjson.dumps(fields))


def test_event__with_a_field_missing__is_malformed() -> None:
    whole = orjson.loads(encode_event(make_event()))
    for name in whole.keys() - OPTIONAL:
        with pytest.raises(MalformedEvent):
            decode_event(orjson.dumps({key: value for key, value in whole.items() if key != name}))


def test_event__of_before_facts_were_logged__is_read() -> None:
    event = make_event(facts={"tenant": "acme"}, health={"deployments": {}})
    whole = orjson.loads(encode_event(event))
    older = {name: value for name, value in whole.items() if name not in OPTIONAL}
    assert decode_event(orjson.dumps(older)) == replace(event, facts={}, health={})


def test_attempt__with_a_wrong_field__is_malformed() -> None:
    event = make_event()
    bad = replace(event, attempts=(replace(event.attempts[0], cost="1"),))  # type: ignore[arg-type]  # the point
    with pytest.raises(MalformedEvent):
        decode_event(encode_event(bad))
