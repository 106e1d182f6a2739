"""The headers in which a caller is told of limits, with an answer and with a refusal."""

from django.http.response import HttpResponseBase

from apps.core.chat import Dialect
from apps.core.clock import unix_ms
from apps.core.errors import BudgetExceeded, ProviderRateLimited, RouterError
from apps.core.rates import RateLeft
from apps.gateway.wire.rate_headers import render_rate

# What a provider says of its own limits: of our key there, not of the caller's here.
PROVIDERS_OWN = "x-upstream-"


def tell_rate(response: HttpResponseBase, dialect: Dialect, rate: RateLeft | None) -> None:
    """Say what is left of the rate of the caller's key; nothing when it has no limit."""
    if rate is None:
        return
    for name, value in render_rate(dialect, rate, unix_ms()).items():
        response[name] = value


def tell_limits(response: HttpResponseBase, dialect: Dialect, error: RouterError) -> None:
    """Say when to come back, what is left here, and what the provider said of its own limits."""
    tell_rate(response, dialect, error.rate)
    if error.retry_after_seconds is not None:
        response["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, BudgetExceeded):
        # The vendors' clients send a 429 again by themselves, and money does not come back so soon.
        response["x-should-retry"] = "false"
    if isinstance(error, ProviderRateLimited):
        for name, value in error.provider_limits.items():
            response[f"{PROVIDERS_OWN}{name}"] = value
