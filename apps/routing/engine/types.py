"""The engine's vocabulary: facts and snapshots in, decisions with their reasons out.

Everything is frozen and slotted. Money is integer micro-dollars; prices are micro-dollars per
million tokens; times are Unix milliseconds. Ids are text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

type Scalar = str | int | float | bool
type ClauseValue = Scalar | tuple[Scalar, ...]
type GroupKind = Literal["all", "any", "none"]


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What is known of a request before anything is chosen.

    Rules read `prompt_tokens`, what the caller sent; filters and prices also count `added_tokens`,
    what the matched rule's own prompt adds.
    """

    request_id: str
    tenant: str
    project: str
    key_id: str
    key_tags: tuple[str, ...]
    door: str
    requested_model: str
    tags: tuple[str, ...]
    prompt_tokens: int
    max_output_tokens: int | None
    needs: tuple[str, ...]
    allowed_models: tuple[str, ...]
    now_ms: int
    prompt_template: str = ""
    conversation: str = ""
    added_tokens: int = 0
    budget_left: int | None = None
    excluded_deployments: tuple[str, ...] = ()

    @property
    def input_tokens(self) -> int:
        return self.prompt_tokens + self.added_tokens


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition: `field operator value`."""

    field: str
    operator: str
    value: ClauseValue


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined by all, any or none; an empty `all` group always holds."""

    kind: GroupKind
    members: tuple["Clause | Group", ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A published rule. `targets` are names of models, in order."""

    id: str
    name: str
    scope: Literal["project", "tenant", "global"]
    project: str
    condition: Group
    action: Literal["route", "reject"]
    targets: tuple[str, ...] = ()
    reject_message: str = ""
    prompt_template: str = ""
    max_output_tokens: int | None = None
    cache_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """An LLM model of the catalogue; `capabilities` maps a name to yes, no or unknown."""

    name: str
    provider: str
    context_window: int
    max_output_tokens: int
    lifecycle: str
    capabilities: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A place where a model can be called, with the prices in force for the tenant."""

    id: str
    name: str
    model: str
    provider: str
    region: str
    is_enabled: bool
    input_price: int
    output_price: int
    cached_input_price: int
    cache_write_price: int
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a request pins: the platform's version and the tenant's, joined for the engine.

    `deployments` are those the tenant may use (its own and the granted platform ones); `aliases`
    maps a tenant's name to models in order; `auto_models` is the tenant's default pool.
    """

    platform_version: int
    tenant_version: int
    rules: tuple[Rule, ...]
    aliases: Mapping[str, tuple[str, ...]]
    models: Mapping[str, Model]
    deployments: Mapping[str, tuple[Deployment, ...]]
    auto_models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeploymentHealth:
    """What a worker has seen of a deployment lately."""

    consecutive_failures: int = 0
    ejected_until_ms: int = 0
    retry_after_ms: int = 0
    ejections: int = 0
    ttft_ms: float = 0.0
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """Health of deployments by id; an absent id is healthy."""

    deployments: Mapping[str, DeploymentHealth] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One planned call, with the most it can cost (micro-dollars, rounded up)."""

    deployment_id: str
    deployment: str
    model: str
    provider: str
    worst_case_cost: int
    max_output_tokens: int


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One thing the engine did and why: a stable `code`, its subject, and the numbers behind it."""

    layer: Literal["filter", "rule", "model", "deployment"]
    code: str
    subject: str
    verdict: Literal["kept", "removed", "matched", "not_matched", "chosen", "rejected"]
    numbers: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """Ordered attempts plus the reasons.

    `outcome`: "route" (attempts are there), "reject" (a rule said no), "unknown_model" (no such
    alias or model), "ineligible" (hard filters removed all), "unhealthy" (health alone
    removed all).
    """

    outcome: Literal["route", "reject", "unknown_model", "ineligible", "unhealthy"]
    attempts: tuple[Attempt, ...]
    trace: tuple[TraceStep, ...]
    platform_version: int
    tenant_version: int
    rule_id: str = ""
    rule_name: str = ""
    reject_message: str = ""
    prompt_template: str = ""
    cache_seconds: int = 0
    max_output_tokens: int | None = None
    usable_models: tuple[str, ...] = ()
    retry_after_ms: int = 0


@dataclass(frozen=True, slots=True)
class HealthEvent:
    """What happened to one call."""

    deployment_id: str
    kind: Literal["started", "first_token", "ok", "error", "rate_limited", "rejected", "cancelled"]
    at_ms: int
    ttft_ms: float = 0.0
    retry_after_ms: int = 0
