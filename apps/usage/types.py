"""The usage event: what every finished request leaves behind, once, whatever came of it."""

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One call to one provider, as it is billed. Cost is micro-dollars, rounded half up once."""

    id: UUID
    deployment_id: str
    deployment: str
    model: str
    provider: str
    status: Literal["ok", "error", "rate_limited", "rejected", "cut", "cancelled"]
    error_code: str
    http_status: int | None
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    is_estimated: bool
    cost: int
    started_at_ms: int
    ttft_ms: int | None
    total_ms: int


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """One request. `cost` is the sum over its attempts; `trace` is the decision's, as data.

    `facts` are what a replay of the decision needs, with the id of the `health` it was made with
    (`facts["health"]`); the health itself comes along only when no event has told it before.
    """

    event_id: UUID
    at_ms: int
    tenant_id: UUID
    tenant: str
    project_id: UUID
    project: str
    key_id: UUID
    key: str
    door: str
    requested_model: str
    model: str
    provider: str
    rule_id: str
    rule: str
    tags: tuple[str, ...]
    conversation_id: str
    prompt_template: str
    status: Literal["ok", "error", "rejected", "cut", "cancelled"]
    error_code: str
    http_status: int
    cache: Literal["off", "miss", "hit"]
    is_streamed: bool
    cost: int
    ttft_ms: int | None
    total_ms: int
    platform_version: int
    tenant_version: int
    trace: list[Any]
    attempts: tuple[AttemptRecord, ...]
    # An event of an older version, still on its way, has none of these.
    facts: dict[str, Any] = field(default_factory=dict)
    health: dict[str, Any] = field(default_factory=dict)
