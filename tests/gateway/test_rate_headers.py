"""E6: what is left of a rate, as the clients of each dialect read it."""

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.chat import Dialect
from apps.core.rates import RateLeft
from apps.gateway.wire.rate_headers import duration, moment, render_rate

# 2026-11-25T12:00:00Z
NOW = 1_795_608_000_000
GO = re.compile(r"(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!s))?(?:(?P<s>\d+(?:\.\d+)?)s|(?P<ms>\d+)ms)")


def read_as_go(text: str) -> int:
    """Read a duration as Go's ParseDuration does; milliseconds."""
    found = GO.fullmatch(text)
    assert found is not None, text
    hours, minutes, seconds = (float(found[name] or 0) for name in ("h", "m", "s"))
    return round(((hours * 60 + minutes) * 60 + seconds) * 1_000) + int(found["ms"] or 0)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (1, "1ms"),
        (120, "120ms"),
        (999, "999ms"),
        (1_000, "1s"),
        (8_640, "8.64s"),
        (59_999, "59.999s"),
        (60_000, "1m0s"),
        (86_400, "1m26.4s"),
        (360_000, "6m0s"),
        (3_600_000, "1h0m0s"),
        (3_600_001, "1h0m0.001s"),
        (86_400_000, "24h0m0s"),
    ],
)
def test_e6__duration__is_written_as_openai_does(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


@given(st.integers(0, 10**10))
def test_e6__any_duration__reads_back_as_what_it_was(milliseconds: int) -> None:
    assert read_as_go(duration(milliseconds)) == milliseconds


@given(st.integers(0, 4 * 10**12))
def test_e6__any_moment__is_rfc_3339_in_utc_and_less_than_a_second_late(unix_ms: int) -> None:
    told = moment(unix_ms)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told)
    assert 0 <= dt.datetime.fromisoformat(told).timestamp() * 1_000 - unix_ms < 1_000


def test_e6__rate__is_told_in_the_names_of_the_dialect() -> None:
    rate = RateLeft(60, 59, NOW + 1_500)
    for dialect in ("openai.chat", "openai.responses", "openai.embeddings", "router"):
        assert told(dialect, rate) == {
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-reset-requests": "1.5s",
        }
    assert told("anthropic", rate) == {
        "anthropic-ratelimit-requests-limit": "60",
        "anthropic-ratelimit-requests-remaining": "59",
        "anthropic-ratelimit-requests-reset": "2026-11-25T12:00:02Z",
    }
    assert told("gemini", rate) == {}


def test_e6__rate_that_is_whole_again_by_now__resets_now() -> None:
    past = RateLeft(60, 59, NOW - 5_000)
    assert told("openai.chat", past)["x-ratelimit-reset-requests"] == "0s"
    reset = told("anthropic", past)["anthropic-ratelimit-requests-reset"]
    assert reset == "2026-11-25T12:00:00Z"


def told(dialect: Dialect, rate: RateLeft) -> dict[str, str]:
    return dict(render_rate(dialect, rate, NOW))
