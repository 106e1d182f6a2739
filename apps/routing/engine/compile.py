"""Compiles published records (plain JSON) into the immutable snapshot that the engine reads."""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.routing.engine.compile_conditions import Calendars, compile_condition
from apps.routing.engine.conditions import clauses_of
from apps.routing.engine.hashing import pattern_id
from apps.routing.engine.types import (
    Arm,
    Choice,
    Clause,
    Deployment,
    Effects,
    Model,
    Pattern,
    Rule,
    Snapshot,
    Target,
    Traffic,
)

SCOPE_ORDER = {"key": 0, "project": 1, "tenant": 2, "global": 3}
SIMULATED = "simulated"
# The most open first; what is switched off at any level is off.
TRAFFIC: tuple[Traffic, ...] = ("on", "drain", "off")
# Weights of arms are percent.
WHOLE = 100
CONTROL = "control"
PRICES = ("input_price", "output_price", "cached_input_price", "cache_write_price")
CHOICE_FIELDS = ("strategy", "price_weight", "affinity", "unit")
EFFECT_FIELDS = (
    *("prompt_template", "max_output_tokens", "cache_seconds", "parameters", "data_class"),
    *("price_cap", "latency_cap_ms", "allow_unknown", "first_token_timeout_ms"),
    *("total_timeout_ms", "max_attempts", "on_content_filter", "on_unsupported"),
)


def compile_snapshot(platform: Mapping[str, Any], tenant: Mapping[str, Any]) -> Snapshot:
    """Join the platform's records with a tenant's; raises ConditionFault or KeyError."""
    models = {name: _model(name, record) for name, record in platform["models"].items()}
    deployments = _deployments(platform, tenant, models)
    calendars = _calendars(platform, tenant)
    rules = [compile_rule(record, calendars) for record in (*tenant["rules"], *platform["rules"])]
    aliases = {name: tuple(targets) for name, targets in tenant["aliases"].items()}
    clauses = [clause for rule in rules for clause in clauses_of(rule.condition)]
    return Snapshot(
        platform_version=platform["version"],
        tenant_version=tenant["version"],
        # Stable: rules of one scope keep the order in which people put them.
        rules=tuple(sorted(rules, key=_place)),
        aliases=aliases,
        models=models,
        deployments=deployments,
        auto_models=aliases.get("auto") or _default_pool(deployments),
        reads=frozenset(clause.field for clause in clauses),
        patterns=_patterns(clauses),
    )


def compile_rule(record: Mapping[str, Any], calendars: Calendars | None = None) -> Rule:
    """Return a rule; what a record of an earlier version lacks keeps its default."""
    tree, test = compile_condition(
        record["condition"], calendars=calendars, rule_id=record["id"], rule_name=record["name"]
    )
    guards = ("key", "project", "active_from_ms", "active_until_ms")
    return Rule(
        id=record["id"],
        name=record["name"],
        scope=record["scope"],
        condition=tree,
        test=test,
        action=record["action"],
        key=record.get("key", ""),
        project=record["project"],
        is_locked=record.get("is_locked", False),
        is_default=record.get("is_default", False),
        is_guarded=any(record.get(name) not in (None, "") for name in guards),
        active_from_ms=record.get("active_from_ms"),
        active_until_ms=record.get("active_until_ms"),
        choice=_choice(record),
        effects=_effects(record),
        reject_message=record["reject_message"],
    )


def _place(rule: Rule) -> tuple[bool, bool, int]:
    """Locked global rules first, then by scope, the pinned defaults last."""
    is_locked = rule.is_locked and rule.scope == "global"
    return rule.is_default, not is_locked, SCOPE_ORDER[rule.scope]


def _choice(record: Mapping[str, Any]) -> Choice:
    return Choice(
        targets=tuple(_target(target) for target in record["targets"]),
        arms=_arms(record),
        **_given(record, CHOICE_FIELDS),
    )


def _arms(record: Mapping[str, Any]) -> tuple[Arm, ...]:
    """Return the arms; what they leave of the traffic stays with the rule's own targets."""
    arms = tuple(
        Arm(arm["name"], arm["weight"], tuple(arm["targets"])) for arm in record.get("arms", ())
    )
    rest = WHOLE - sum(arm.weight for arm in arms)
    return (*arms, Arm(CONTROL, rest, ())) if arms and rest > 0 and record["targets"] else arms


def _target(record: str | Mapping[str, Any]) -> Target:
    return Target(record) if isinstance(record, str) else Target(record["model"], record["weight"])


def _effects(record: Mapping[str, Any]) -> Effects:
    return Effects(
        tags=tuple(record.get("add_tags", ())),
        regions=tuple(record.get("regions", ())),
        **_given(record, EFFECT_FIELDS),
    )


def _given(record: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: record[name] for name in names if record.get(name) is not None}


def _calendars(platform: Mapping[str, Any], tenant: Mapping[str, Any]) -> Calendars:
    """Return the dates of every calendar; the tenant's own wins over the platform's."""
    joined = {**platform.get("calendars", {}), **tenant.get("calendars", {})}
    return {name: tuple(dates) for name, dates in joined.items()}


def _patterns(clauses: Iterable[Clause]) -> dict[str, Pattern]:
    found: dict[str, Pattern] = {}
    for clause in clauses:
        if clause.field != "message_text":
            continue
        texts = clause.value if isinstance(clause.value, tuple) else (clause.value,)
        for text in map(str, texts):
            operator: Any = clause.operator
            found[pattern_id(operator, text)] = Pattern(operator, text)
    return found


def _model(name: str, record: Mapping[str, Any]) -> Model:
    return Model(
        name=name,
        provider=record["provider"],
        context_window=record["context_window"],
        max_output_tokens=record["max_output_tokens"],
        lifecycle=record["lifecycle"],
        capabilities=record["capabilities"],
        traffic=record.get("traffic", "on"),
        successor=record.get("successor", ""),
    )


def _deployments(
    platform: Mapping[str, Any], tenant: Mapping[str, Any], models: Mapping[str, Model]
) -> dict[str, tuple[Deployment, ...]]:
    granted = frozenset(tenant["granted"])
    shared = (record for record in platform["deployments"] if record["model"] in granted)
    found: dict[str, list[Deployment]] = {}
    for record in (*tenant["deployments"], *shared):
        model = models.get(record["model"])
        traffic = model.traffic if model is not None else "on"
        deployment = _deployment(record, tenant["prices"].get(record["model"], {}), traffic)
        found.setdefault(deployment.model, []).append(deployment)
    return {name: tuple(items) for name, items in found.items()}


def _deployment(
    record: Mapping[str, Any], own_prices: Mapping[str, int], model_traffic: Traffic
) -> Deployment:
    prices = {name: own_prices.get(name, record[name]) for name in PRICES}
    own_traffic: Traffic = record.get("traffic") or ("on" if record["is_enabled"] else "off")
    return Deployment(
        id=record["id"],
        name=record["name"],
        model=record["model"],
        provider=record["provider"],
        region=record["region"],
        traffic=max(own_traffic, model_traffic, key=TRAFFIC.index),
        data_classes=tuple(record.get("data_classes", ())),
        credential=record.get("credential", ""),
        tokens_per_minute=record["tokens_per_minute"],
        **prices,
    )


def _default_pool(deployments: Mapping[str, Iterable[Deployment]]) -> tuple[str, ...]:
    """Every usable model, the cheapest first; the simulation answers only when nobody else does."""

    def rank(name: str) -> tuple[bool, int, str]:
        items = deployments[name]
        is_simulated = all(item.provider == SIMULATED for item in items)
        return is_simulated, min(item.input_price + item.output_price for item in items), name

    return tuple(sorted(deployments, key=rank))
