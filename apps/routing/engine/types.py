"""The engine's vocabulary: facts and snapshots in, decisions with their reasons out.

Everything is frozen. Money is integer micro-dollars; prices are micro-dollars per million tokens;
times are Unix milliseconds. Ids are text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

type Scalar = str | int | float | bool
type ClauseValue = Scalar | tuple[Scalar, ...]
type GroupKind = Literal["all", "any", "none"]
type Scope = Literal["key", "project", "tenant", "global"]
type Strategy = Literal["priority", "weighted", "adaptive", "cheapest"]
type Affinity = Literal["", "conversation", "prefix"]
type Unit = Literal["request", "conversation", "user"]
type Outcome = Literal["route", "reject", "unknown_model", "ineligible", "unhealthy"]
type Layer = Literal["filter", "rule", "model", "deployment", "other"]
type Verdict = Literal["kept", "removed", "matched", "not_matched", "chosen", "rejected"]
type EndOfCall = Literal["ok", "error", "timeout", "rate_limited", "rejected", "credential"]
type HealthEventKind = EndOfCall | Literal["started", "first_token", "cancelled", "budget"]
# "drain": only conversations that are already there.
type Traffic = Literal["on", "drain", "off"]

NOTHING: Mapping[str, Any] = {}


class LocalTime(NamedTuple):
    """A moment on the tenant's clock: `date` as ISO 8601, `minute` of the day, Monday is 0."""

    date: str
    minute: int
    weekday: int


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What is known of a request before anything is chosen.

    Rules read `prompt_tokens`, what the caller sent; filters and prices also count `added_tokens`,
    what the matched rule's own prompt adds. `None`, and a name that is absent from a mapping, mean
    "not known": a clause that reads it cannot be decided. `patterns` says which texts of published
    rules were found in the message, by id (see `hashing.pattern_id`). `tried_deployments` failed
    and come last, `excluded_deployments` must not come again. One call gives `choices` answers.
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
    arrived_ms: int = 0
    dialect: str = ""
    user: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    temperature: float | None = None
    language: str = ""
    patterns: Mapping[str, bool] = field(default_factory=dict)
    message_length: int | None = None
    local_time: LocalTime | None = None
    budget_left: int | None = None
    budget_left_percent: float | None = None
    allowed_regions: tuple[str, ...] = ()
    data_class: str = ""
    prompt_template: str = ""
    conversation: str = ""
    prefix: str = ""
    prefix_tokens: int = 0
    is_continued: bool = False
    added_tokens: int = 0
    tried_deployments: tuple[str, ...] = ()
    excluded_deployments: tuple[str, ...] = ()
    providers_down: tuple[str, ...] | None = None
    providers_degraded: tuple[str, ...] | None = None
    choices: int = 1

    @property
    def input_tokens(self) -> int:
        return self.prompt_tokens + self.added_tokens


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition: `field operator value`; `shown` is the value as a trace tells it."""

    field: str
    operator: str
    value: ClauseValue
    shown: Scalar = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined by all, any or none; an empty `all` group always holds."""

    kind: GroupKind
    members: tuple["Clause | Group", ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a tree holds, and the step that tells of the clause that decided it.

    `step` is told where the rule does not match; `is_undecidable`: the clause reads a fact that
    this request does not have, else `show` tells what it saw, once for all clauses with one `fact`.
    """

    holds: bool
    step: "TraceStep | None" = None
    is_undecidable: bool = False
    fact: str = ""
    show: Callable[[RequestFacts], Scalar] | None = None


type Test = Callable[[RequestFacts], Finding]


class Target(NamedTuple):
    """A model that a rule routes to; `weight` counts in a weighted split only."""

    model: str
    weight: int = 1


class Arm(NamedTuple):
    """One side of an experiment: a share of the traffic and the models that it gets, in order."""

    name: str
    weight: int
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """How a rule chooses among its targets.

    `price_weight`: 0 (only speed counts) to 100 (price counts most), 50 is balanced.
    """

    targets: tuple[Target, ...] = ()
    strategy: Strategy = "priority"
    price_weight: int = 50
    affinity: Affinity = ""
    arms: tuple[Arm, ...] = ()
    unit: Unit = "request"


@dataclass(frozen=True, slots=True)
class Effects:
    """What rules set besides the targets; several rules add up (see `rules.merge_effects`).

    `price_cap`: micro-dollars per million tokens, for the dearer of input and output.
    """

    prompt_template: str = ""
    max_output_tokens: int | None = None
    cache_seconds: int = 0
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    data_class: str = ""
    price_cap: int | None = None
    latency_cap_ms: int | None = None
    allow_unknown: bool = False
    first_token_timeout_ms: int | None = None
    total_timeout_ms: int | None = None
    max_attempts: int | None = None
    on_content_filter: Literal["", "return", "next"] = ""
    on_unsupported: Literal["", "drop", "refuse"] = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A published rule; `test` is its compiled condition.

    `is_guarded`: a key, a project or a schedule limits it before its condition is looked at.
    """

    id: str
    name: str
    scope: Scope
    condition: Group
    test: Test = field(compare=False, repr=False)
    action: Literal["route", "reject", "continue"] = "route"
    key: str = ""
    project: str = ""
    is_locked: bool = False
    is_default: bool = False
    is_guarded: bool = False
    active_from_ms: int | None = None
    active_until_ms: int | None = None
    choice: Choice = Choice()
    effects: Effects = Effects()
    reject_message: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """An LLM model of the catalogue; `capabilities` maps a name to yes, no or unknown."""

    name: str
    provider: str
    context_window: int
    max_output_tokens: int
    lifecycle: str
    capabilities: Mapping[str, str]
    traffic: Traffic = "on"
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A place where a model can be called, with the prices in force for the tenant.

    `data_classes` are those that it is cleared for, `credential` is what a refused secret is of.
    """

    id: str
    name: str
    model: str
    provider: str
    region: str
    input_price: int
    output_price: int
    cached_input_price: int
    cache_write_price: int
    traffic: Traffic = "on"
    data_classes: tuple[str, ...] = ()
    credential: str = ""
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text that a published rule looks for: `contains` (without case) or `matches` (RE2)."""

    operator: Literal["contains", "matches"]
    text: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a request pins: the platform's version and the tenant's, joined for the engine.

    `deployments` are those the tenant may use (its own and the granted platform ones); `aliases`
    maps a tenant's name to models in order; `auto_models` is the tenant's default pool. `reads`
    are the fields and `patterns` the texts that some rule reads: nothing else need be gathered.
    """

    platform_version: int
    tenant_version: int
    rules: tuple[Rule, ...]
    aliases: Mapping[str, tuple[str, ...]]
    models: Mapping[str, Model]
    deployments: Mapping[str, tuple[Deployment, ...]]
    auto_models: tuple[str, ...]
    reads: frozenset[str] = frozenset()
    patterns: Mapping[str, Pattern] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeploymentHealth:
    """What is known of a deployment lately; the defaults are those of one never called.

    `token_level` is what the provider's tokens-per-minute bucket holds, as far as is known here;
    None: full. `waiting` are the calls without a first token, by id, with the time they started.
    The `usual` times are learned slowly; 0 is not known yet. `borne` calls at once were no burden.
    """

    ttft_ms: float = 500.0
    ms_per_token: float = 15.0
    error_rate: float = 0.0
    mean_output_tokens: float = 250.0
    seen_ms: int = 0
    in_flight: int = 0
    waiting: Mapping[str, int] = field(default_factory=dict)
    failures: int = 0
    retry_after_ms: int = 0
    ejected_until_ms: int = 0
    ejections: int = 0
    probation: int = 0
    token_level: float | None = None
    token_level_ms: int = 0
    usual_ttft_ms: float = 0.0
    usual_ms_per_token: float = 0.0
    borne: int = 0


class RetryBudget(NamedTuple):
    """What a provider may still be asked again: retries left, and when that was."""

    left: float
    at_ms: int


@dataclass(frozen=True, slots=True)
class Health:
    """Health of deployments by id, retry budgets by provider; what is absent is well.

    `credentials_down`: those that a provider refused, with the time until which they rest.
    """

    deployments: Mapping[str, DeploymentHealth] = field(default_factory=dict)
    retries: Mapping[str, RetryBudget] = field(default_factory=dict)
    credentials_down: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HealthEvent:
    """What happened to one call of a deployment.

    `elapsed_ms` is the time since the start, `ttft_ms` that to the first token where it was seen
    apart. `tokens`: those that a start takes from the provider's bucket, what an "ok" has to give
    back (below 0: took more), or what the shared bucket holds for a "budget".
    """

    deployment_id: str
    kind: HealthEventKind
    at_ms: int
    call_id: str = ""
    provider: str = ""
    credential: str = ""
    is_retry: bool = False
    elapsed_ms: float = 0.0
    ttft_ms: float = 0.0
    retry_after_ms: int = 0
    output_tokens: int = 0
    tokens: float = 0.0
    tokens_per_minute: int | None = None


class Attempt(NamedTuple):
    """One planned call, with the most it can cost and the likely cost (micro-dollars, rounded up).

    `first_token_timeout_ms`: hang up when nothing has come by then; None: the server's own limit.
    `needed_tokens` is what the call takes from the provider's tokens per minute.
    """

    deployment_id: str
    deployment: str
    model: str
    provider: str
    worst_case_cost: int
    max_output_tokens: int
    expected_cost: int = 0
    needed_tokens: int = 0
    first_token_timeout_ms: int | None = None


class TraceStep(NamedTuple):
    """One thing the engine did and why: a stable `code`, its subject, and the numbers behind it."""

    layer: Layer
    code: str
    subject: str
    verdict: Verdict
    numbers: Mapping[str, Scalar] = NOTHING


@dataclass(frozen=True, slots=True)
class Decision:
    """Ordered attempts plus the reasons.

    `outcome`: "route" (attempts are there), "reject" (a rule said no), "unknown_model" (no such
    alias or model), "ineligible" (hard filters removed all), "unhealthy" (health alone
    removed all: `retry_after_ms` says when to ask again). `effects` are those of every rule that
    applied; `arm` and `propensity` are the experiment's or the weighted split's draw.
    """

    outcome: Outcome
    attempts: tuple[Attempt, ...]
    trace: tuple[TraceStep, ...]
    platform_version: int
    tenant_version: int
    rule_id: str = ""
    rule_name: str = ""
    reject_message: str = ""
    effects: Effects = Effects()
    arm: str = ""
    propensity: float = 1.0
    usable_models: tuple[str, ...] = ()
    retry_after_ms: int = 0

    @property
    def cost_range(self) -> tuple[int, int, int]:
        """The least a plan is likely to cost, what its first attempt is, and the worst case."""
        if not self.attempts:
            return 0, 0, 0
        likely = [attempt.expected_cost for attempt in self.attempts]
        return min(likely), likely[0], max(attempt.worst_case_cost for attempt in self.attempts)
