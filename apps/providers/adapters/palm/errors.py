"""Errors of the generative-language client as AttemptErrors."""

from google.api_core.exceptions import GoogleAPICallError
from requests import RequestException, Timeout, TooManyRedirects

from apps.providers.adapters.base import AttemptError
from apps.providers.adapters.failures import attempt_error, kind_of_status, retry_after_seconds

# Google says it with the status of a wrong request, but it is our key that is wrong.
WRONG_KEY = "API key not valid"


def error_of(error: GoogleAPICallError, *, secret: str) -> AttemptError:
    """Read an answer that was no success."""
    status, message = int(error.code or 500), str(error.message)
    kind = "credential" if WRONG_KEY in message else kind_of_status(status)
    wait = retry_after_seconds(getattr(error.response, "headers", {}))
    return attempt_error(status, message, secret=secret, kind=kind, retry_after_seconds=wait)


def transport_error_of(error: RequestException) -> AttemptError:
    """Read a call that got no answer; the client's own words may hold the address."""
    if isinstance(error, Timeout):
        return AttemptError("timeout", "the provider did not answer in time")
    if isinstance(error, TooManyRedirects):
        return AttemptError("credential", "the provider's address leads elsewhere")
    return AttemptError("unavailable", "the connection to the provider broke")
