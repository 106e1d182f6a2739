"""Decisions without attempts and attempts that all failed, as the caller is told of them."""

from typing import Any

import pytest

from apps.core.errors import ProviderRateLimited, RouterError
from apps.gateway.refusals import failure_of, refusal_of
from apps.providers.adapters.base import AttemptError, FailureKind
from apps.routing.engine.types import Decision, RequestFacts, TraceStep

FACTS = RequestFacts(
    request_id="req_1",
    tenant="acme",
    project="support",
    key_id="k",
    key_tags=(),
    door="openai.chat",
    requested_model="nobody",
    tags=(),
    prompt_tokens=5,
    max_output_tokens=None,
    needs=(),
    allowed_models=(),
    now_ms=0,
)


def refusal(outcome: Any, **fields: Any) -> RouterError:
    values: dict[str, Any] = {"trace": (), **fields}
    decision = Decision(outcome, (), platform_version=1, tenant_version=1, **values)
    return refusal_of(decision, FACTS)


def failure(*kinds: FailureKind, **fields: Any) -> RouterError:
    return failure_of([AttemptError(kind, f"it was {kind}", **fields) for kind in kinds])


@pytest.mark.parametrize(
    ("outcome", "status", "code", "param"),
    [
        ("reject", 403, "rejected_by_rule", None),
        ("unknown_model", 404, "model_not_found", "model"),
        ("ineligible", 422, "no_eligible_deployment", "model"),
        ("unhealthy", 503, "service_unavailable", None),
    ],
)
def test_refusal__of_each_outcome__has_its_status_and_code(
    outcome: str, status: int, code: str, param: str | None
) -> None:
    told = refusal(outcome)
    assert (told.http_status, told.code, told.param) == (status, code, param)


def test_refusal__by_a_rule__says_the_rules_own_words() -> None:
    told = refusal("reject", rule_name="No data", reject_message="Legal asked for it.")
    assert told.message == "Legal asked for it."
    assert told.details == {"rule": "No data"}


def test_refusal__unknown_model__names_at_most_twenty_that_may_be_asked() -> None:
    names = tuple(f"model-{number:02}" for number in range(21))
    told = refusal("unknown_model", usable_models=names)
    assert "'nobody'" in told.message
    assert told.message.endswith("model-18, model-19, …")
    assert told.details == {"usable_models": list(names)}
    assert not refusal("unknown_model", usable_models=names[:20]).message.endswith("…")


def test_refusal__ineligible__gives_what_was_removed_and_not_what_was_kept() -> None:
    kept = TraceStep("filter", "needs_unmet", "sim-long", "kept")
    removed = TraceStep("filter", "not_enabled", "sim-small", "removed")
    told = refusal("ineligible", trace=(kept, removed))
    assert [reason["subject"] for reason in told.details["reasons"]] == ["sim-small"]


@pytest.mark.parametrize(("wait_ms", "seconds"), [(0, 1), (1, 1), (1_000, 1), (1_001, 2)])
def test_refusal__unhealthy__says_when_to_come_back_rounded_up(wait_ms: int, seconds: int) -> None:
    assert refusal("unhealthy", retry_after_ms=wait_ms).retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("kinds", "status", "code"),
    [
        (("rejected",), 400, "provider_rejected_request"),
        (("unavailable", "rejected"), 400, "provider_rejected_request"),
        (("context_length",), 400, "context_length_exceeded"),
        (("rate_limited", "rate_limited"), 429, "provider_rate_limited"),
        (("rate_limited", "unavailable"), 502, "provider_failed"),
        (("credential",), 502, "provider_failed"),
        (("cut",), 502, "provider_failed"),
    ],
)
def test_failure__of_each_kind__has_its_status_and_code(
    kinds: tuple[FailureKind, ...], status: int, code: str
) -> None:
    told = failure(*kinds)
    assert (told.http_status, told.code) == (status, code)


def test_failure__refused_request__keeps_the_providers_own_code() -> None:
    told = failure("rejected", provider_code="bad_tool")
    assert told.details == {"provider_code": "bad_tool"}


def test_failure__too_long_request__names_the_messages() -> None:
    assert failure("context_length").param == "messages"


@pytest.mark.parametrize(
    "words",
    ["prompt is too long", "exceeds the maximum number of tokens allowed", "context window"],
)
def test_too_long_request__is_told_in_the_words_that_clients_know(words: str) -> None:
    """Anthropic's, Google's and OpenAI's: frameworks shorten the conversation for them."""
    small = TraceStep("filter", "context_too_small", "sim-small", "removed")
    for told in (failure("context_length"), refusal("ineligible", trace=(small, small))):
        assert (told.http_status, told.code) == (400, "context_length_exceeded")
        assert words in told.message


def test_refusal__for_more_than_the_windows__is_not_told_as_too_long() -> None:
    small = TraceStep("filter", "context_too_small", "sim-small", "removed")
    other = TraceStep("filter", "not_enabled", "sim-long", "removed")
    assert refusal("ineligible", trace=(small, other)).code == "no_eligible_deployment"


def test_failure__rate_limits_only__waits_for_the_soonest() -> None:
    errors = [
        AttemptError("rate_limited", "x", retry_after_seconds=seconds) for seconds in (9.0, 4.0)
    ]
    assert failure_of(errors).retry_after_seconds == 4
    assert failure("rate_limited").retry_after_seconds == 1
    assert failure("rate_limited", retry_after_seconds=0.2).retry_after_seconds == 1
    assert failure("rate_limited", retry_after_seconds=1.4).retry_after_seconds == 2


def test_aa2__rate_limits__give_the_limits_of_who_is_free_soonest() -> None:
    errors = [
        AttemptError("rate_limited", "x", retry_after_seconds=seconds, limits={"of": name})
        for seconds, name in ((9.0, "late"), (4.0, "soon"), (6.0, "later"))
    ]
    told = failure_of(errors)
    assert isinstance(told, ProviderRateLimited)
    assert told.provider_limits == {"of": "soon"}


def test_e4__failures_that_all_say_when_to_come_back__pass_the_soonest_on() -> None:
    soon, late, silent = (
        AttemptError("unavailable", "down", http_status=503, retry_after_seconds=seconds)
        for seconds in (3.2, 9.0, None)
    )
    assert failure_of([late, soon]).retry_after_seconds == 4
    assert failure_of([soon, silent]).retry_after_seconds is None
    limited = AttemptError("rate_limited", "full", retry_after_seconds=30)
    assert failure_of([limited, soon]).retry_after_seconds == 4


def test_failure__of_several__lists_every_attempt_in_order() -> None:
    told = failure("credential", "unavailable")
    assert told.message == "all 2 attempts failed; the last: it was unavailable"
    assert [attempt["kind"] for attempt in told.details["attempts"]] == [
        "credential",
        "unavailable",
    ]


def test_failure__everybody_overloaded__is_503_with_the_shortest_wait() -> None:
    told = failure("unavailable", "unavailable", http_status=529, retry_after_seconds=7.0)
    assert (told.http_status, told.code) == (503, "provider_overloaded")
    assert told.retry_after_seconds == 7
    assert failure("unavailable", http_status=503).code == "provider_failed"
