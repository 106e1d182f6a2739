"""The error vocabulary: every refusal carries a status, a stable code and a safe message."""

from collections.abc import Mapping
from typing import Any

from apps.core.rates import RateLeft


class RouterError(Exception):
    """Base of all errors a caller may see.

    `code` is stable and English; `message` is safe to show; `param` names the offending field;
    `retry_after_seconds` becomes the Retry-After header; `details` is structured and safe. `rate`
    is what the caller has left, where that is known.
    """

    http_status = 500
    code = "internal_error"
    rate: RateLeft | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        retry_after_seconds: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_seconds = retry_after_seconds
        self.details: Mapping[str, Any] = details or {}


class InvalidRequest(RouterError):
    http_status = 400
    code = "invalid_request"


class ContextLengthExceeded(InvalidRequest):
    """The request has more tokens than the model's window holds.

    Clients shorten the conversation and go on when they are told so. They know it by OpenAI's code,
    and by what Anthropic ("prompt is too long"), Google ("exceeds the maximum number of tokens
    allowed") and OpenAI ("context window") say: it is all said, in any dialect.
    """

    code = "context_length_exceeded"

    def __init__(self, **rest: Any) -> None:
        told = "prompt is too long: it exceeds the maximum number of tokens allowed"
        super().__init__(f"{told} in the model's context window", **rest)


class InvalidJson(RouterError):
    http_status = 400
    code = "invalid_json"


class ProviderRejectedRequest(RouterError):
    """The provider called the request itself wrong; no other provider would fare better."""

    http_status = 400
    code = "provider_rejected_request"


class AuthenticationFailed(RouterError):
    http_status = 401
    code = "invalid_api_key"


class AccessDenied(RouterError):
    http_status = 403
    code = "permission_denied"


class RejectedByRule(RouterError):
    http_status = 403
    code = "rejected_by_rule"


class NotFound(RouterError):
    http_status = 404
    code = "not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class MethodNotAllowed(RouterError):
    http_status = 405
    code = "method_not_allowed"


class Conflict(RouterError):
    http_status = 409
    code = "conflict"


class ContentStorageOff(Conflict):
    code = "content_storage_off"


class PayloadTooLarge(RouterError):
    http_status = 413
    code = "payload_too_large"


class NoEligibleDeployment(RouterError):
    http_status = 422
    code = "no_eligible_deployment"


class RateLimited(RouterError):
    http_status = 429
    code = "rate_limit_exceeded"


class ProviderRateLimited(RouterError):
    """Every deployment that could answer is at its provider's rate limit.

    `provider_limits`: the headers in which the provider who is free soonest told of its limits.
    """

    http_status = 429
    code = "provider_rate_limited"

    def __init__(
        self, message: str, *, provider_limits: Mapping[str, str] | None = None, **rest: Any
    ) -> None:
        super().__init__(message, **rest)
        self.provider_limits: Mapping[str, str] = provider_limits or {}


class BudgetExceeded(RouterError):
    http_status = 429
    code = "budget_exceeded"


class ProviderFailed(RouterError):
    """Every allowed attempt failed at the providers."""

    http_status = 502
    code = "provider_failed"


class ServiceUnavailable(RouterError):
    """Our own outage, or health alone left nobody to ask; always carries Retry-After."""

    http_status = 503
    code = "service_unavailable"

    def __init__(self, message: str, *, retry_after_seconds: int = 5, **rest: Any) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds, **rest)


class ProviderOverloaded(ServiceUnavailable):
    """Every provider that could answer says that it is overloaded."""

    code = "provider_overloaded"


class DeadlineExceeded(RouterError):
    http_status = 504
    code = "deadline_exceeded"
