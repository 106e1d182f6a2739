"""What the data plane knows of a caller, and what it asks of the limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from apps.core.rates import RateLeft


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated API key with everything the hot path needs of it.

    `allowed_regions` (none: all) and `data_class` are the project's.
    """

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
    allowed_regions: tuple[str, ...] = ()
    data_class: str = ""


class AttemptNeeds(NamedTuple):
    """What a planned attempt takes: of its provider's tokens per minute, and at most in money."""

    deployment_id: str
    tokens_per_minute: int | None
    tokens: int
    worst_case: int = 0


class TokenCorrection(NamedTuple):
    """What a call leaves in its provider's bucket: tokens to give back (below 0: took more).

    `block_until_ms`: the provider said "not now" until then; the bucket is empty for everybody.
    """

    deployment_id: str
    tokens_per_minute: int | None
    tokens: int = 0
    block_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Admission:
    """Leave to call: what was reserved (micro-dollars) and, if cached, the sealed answer.

    `chosen`: the place of the planned attempt whose tokens were taken; `levels`: what the buckets
    of the planned deployments hold now, by deployment; `rate`: what the key has left, if it has a
    limit and this is its admission.
    """

    request_id: UUID
    reserved: int
    cached_answer: bytes | None = None
    chosen: int = 0
    levels: Mapping[str, int] = field(default_factory=dict)
    rate: RateLeft | None = None
