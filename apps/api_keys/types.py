"""What the data plane knows of a caller, and what it asks of the limits."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated API key with everything the hot path needs of it."""

    tenant_id: UUID
    tenant_slug: str
    tenant_name: str
    tenant_language: str
    tenant_time_zone: str
    project_id: UUID
    project_slug: str
    project_name: str
    stores_content: bool
    key_id: UUID
    key_name: str
    scopes: frozenset[str]
    tags: tuple[str, ...]
    allowed_models: tuple[str, ...]
    requests_per_minute: int | None
    monthly_budget: int | None
    expires_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Admission:
    """Leave to call: what was reserved (micro-dollars) and, if cached, the sealed answer."""

    request_id: UUID
    reserved: int
    cached_answer: bytes | None = None
