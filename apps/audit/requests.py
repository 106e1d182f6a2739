"""One request, one transaction: what a refused request wrote is undone."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from django.http.response import HttpResponseBase

FIRST_REFUSAL = 400


class _Refused(Exception):
    """Leaves the scope the way an error does, so that its transaction is rolled back."""


def run_in_scope[R: HttpResponseBase](
    scope: AbstractContextManager[object], handle: Callable[[], R]
) -> R:
    """Run the handler inside the scope; an answer of 400 or more rolls the scope back.

    Django and DRF turn exceptions into answers before a caller sees them: only the status is left.
    """
    answers: list[R] = []
    with suppress(_Refused), scope:
        answers.append(handle())
        if answers[0].status_code >= FIRST_REFUSAL:
            raise _Refused
    return answers[0]
