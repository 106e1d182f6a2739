"""Identifiers: their shape, their order, and their outside form."""

import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.ids import new_id, parse_public_id, public_id, unix_milliseconds


def test_new_id__by_shape__is_version_7_of_the_rfc_variant() -> None:
    for _ in range(200):
        made = new_id()
        assert made.version == 7
        assert made.variant == "specified in RFC 4122"


def test_new_id__read_back__holds_the_present_moment() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()
    after = time.time_ns() // 1_000_000
    assert before <= unix_milliseconds(made) <= after


def test_new_id__of_later_milliseconds__sorts_later(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([1_000, 2_000, 2_001, 10**14])
    monkeypatch.setattr("apps.core.ids.time.time_ns", lambda: next(moments) * 1_000_000)
    made = [new_id() for _ in range(4)]
    assert made == sorted(made)
    assert [str(item) for item in made] == sorted(str(item) for item in made)
    assert [unix_milliseconds(item) for item in made[:3]] == [1_000, 2_000, 2_001]


def test_new_id__thousand_at_once__are_all_different() -> None:
    assert len({new_id() for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("random_bytes", [b"\x00" * 10, b"\xff" * 10])
def test_new_id__extreme_random_bits__leave_version_and_time_alone(
    monkeypatch: pytest.MonkeyPatch, random_bytes: bytes
) -> None:
    monkeypatch.setattr("apps.core.ids.os.urandom", lambda _count: random_bytes)
    monkeypatch.setattr("apps.core.ids.time.time_ns", lambda: 123_456 * 1_000_000)
    made = new_id()
    assert (made.version, unix_milliseconds(made)) == (7, 123_456)


@given(st.uuids())
def test_public_id__read_back__is_the_same(value: UUID) -> None:
    text = public_id("req", value)
    assert text.startswith("req_")
    assert len(text) == 36
    assert parse_public_id("req", text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "req_",
        "req",
        "job_" + "0" * 32,
        "req_" + "0" * 31,
        "req_" + "0" * 33,
        "req_" + "g" * 32,
        "req_" + "0" * 15 + "_" + "0" * 16,
        "req_" + " " + "0" * 31,
        "req_" + "A" * 32,
        "req_{" + "0" * 30 + "}",
        "REQ_" + "0" * 32,
    ],
)
def test_public_id__of_another_shape__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_public_id("req", text)
