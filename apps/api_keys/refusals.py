"""Turns what a script of the limits answers into the caller's error."""

from apps.api_keys.types import Caller
from apps.core.errors import BudgetExceeded, RateLimited, ServiceUnavailable
from apps.core.money import format_usd
from apps.core.rates import RateLeft


def rate_limited(caller: Caller, wait_ms: int, rate: RateLeft | None) -> RateLimited:
    """Return the refusal of a key that sends too often."""
    refusal = RateLimited(
        f"this API key may send {caller.requests_per_minute} requests a minute",
        retry_after_seconds=max(1, -(-wait_ms // 1000)),
    )
    refusal.rate = rate
    return refusal


def budget_exceeded(worst_case: int, left: int) -> BudgetExceeded:
    """Return the refusal of a request that could cost more than is left (micro-dollars)."""
    return BudgetExceeded(
        f"this request could cost {format_usd(worst_case)} USD and {format_usd(max(left, 0))}"
        " USD of this API key's monthly budget are left: lower max_tokens or raise the budget",
        details={"worst_case": worst_case, "left": left},
    )


def budget_unknown() -> ServiceUnavailable:
    """Return the refusal of a key whose hard budget cannot be looked at."""
    return ServiceUnavailable("the budget of this API key cannot be checked now")
