"""What a worker holds of a job while it runs it."""

from dataclasses import dataclass
from uuid import UUID

ID_PREFIX = "job"
REQUEST_PURPOSE = "job.request"
RESULT_PURPOSE = "job.result"
MAX_ATTEMPTS = 3
# A running worker says so three times within a lease; a killed one is noticed after it.
LEASE_SECONDS = 90
BEAT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A claimed job. `attempt` is the fence: who comes back late no longer holds it.

    `sealed` is the request, still encrypted.
    """

    id: UUID
    tenant_id: UUID
    api_key_id: UUID
    attempt: int
    request_id: UUID
    sealed: str


@dataclass(frozen=True, slots=True)
class Failure:
    """How a job ended badly, as its owner reads it."""

    code: str
    message: str
