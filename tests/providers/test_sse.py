"""Server-sent events: any chunking, any line ending."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.providers.adapters import sse
from apps.providers.adapters.sse import EventTooLarge, SseParser

STREAM = (
    ': hello\n\ndata: {"a": "🌍"}\n\nevent: x\r\nid: 1\r\n'
    "data:two\r\ndata: lines\r\n\r\n\n\ndata: last"
)
EXPECTED = ['{"a": "🌍"}', "two\nlines", "last"]


def parse(pieces: list[bytes]) -> list[str]:
    parser = SseParser()
    found = [data for piece in pieces for data in parser.feed(piece)]
    return [data.decode() for data in (*found, *parser.end())]


@given(st.lists(st.integers(0, len(STREAM.encode())), max_size=20))
def test_feed__cut_anywhere__gives_the_same_events(cuts: list[int]) -> None:
    whole, places = STREAM.encode(), sorted({0, *cuts, len(STREAM.encode())})
    pieces = [whole[a:b] for a, b in itertools.pairwise(places)]
    assert parse(pieces) == EXPECTED


@pytest.mark.parametrize("piece", [b"x" * 60, b"data: " + b"y" * 60, b"data: zz\n" * 40])
def test_feed__endless_event__is_refused(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 50)
    with pytest.raises(EventTooLarge):
        parse([piece] * 3)


def test_feed__many_small_events__never_count_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 50)
    assert parse([b"data: twenty characters..\n\n" * 50]) == ["twenty characters.."] * 50
