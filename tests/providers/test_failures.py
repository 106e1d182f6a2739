"""What a provider's status means, when to come back, and messages without secrets."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from apps.providers.adapters.failures import (
    attempt_error,
    kind_of_status,
    limits_told,
    retry_after_seconds,
    safe_message,
)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, "credential"),
        (400, "rejected"),
        (402, "credential"),
        (408, "unavailable"),
        (413, "context_length"),
        (418, "rejected"),
        (429, "rate_limited"),
        (599, "unavailable"),
    ],
)
def test_kind_of_status__table(status: int, kind: str) -> None:
    assert kind_of_status(status) == kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_retry_after_seconds__table(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers) == seconds


def test_retry_after_seconds__date__counts_from_now() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)
    assert retry_after_seconds({"retry-after": date}) == pytest.approx(120, abs=5)


def test_aa2__limits_told__are_the_providers_headers_about_them_and_no_others() -> None:
    headers = {
        "X-RateLimit-Remaining-Requests": "0",
        "anthropic-ratelimit-tokens-reset": "2026-01-01T00:00:00Z",
        "retry-after": "7",
        "set-cookie": "__cf_bm=1",
        "x-ratelimit-odd": "\x07",
        "x-ratelimit-foreign": "até já",
        "x-ratelimit-long": "9" * 101,
    }
    assert limits_told(headers) == {
        "x-ratelimit-remaining-requests": "0",
        "anthropic-ratelimit-tokens-reset": "2026-01-01T00:00:00Z",
    }
    assert len(limits_told({f"x-ratelimit-{number}": "1" for number in range(99)})) == 32


def test_safe_message__secret_and_length__are_struck_and_cut() -> None:
    message = safe_message(f"key sk-123456\n is wrong {'x' * 2_000}", secret="sk-123456")
    assert message.startswith("key [credential] is wrong")
    assert len(message) == 500


def test_attempt_error__empty_message__still_says_the_status() -> None:
    assert "503" in attempt_error(503, "  ", secret="").message


def test_t2__attempt_error__that_tells_the_secret_as_its_code__is_struck() -> None:
    error = attempt_error(400, "no", secret="sk-123456", provider_code="bad_key_sk-123456")
    assert error.provider_code == "bad_key_[credential]"
