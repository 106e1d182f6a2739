"""Compiles published records (plain JSON) into the immutable snapshot that the engine reads."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, cast

from apps.routing.engine.conditions import FIELDS, MAX_DEPTH
from apps.routing.engine.types import (
    Clause,
    Deployment,
    Group,
    GroupKind,
    Model,
    Rule,
    Snapshot,
)

GROUP_KINDS = ("all", "any", "none")
SCOPE_ORDER = {"project": 0, "tenant": 1, "global": 2}
SIMULATED = "simulated"
PRICES = ("input_price", "output_price", "cached_input_price", "cache_write_price")


class ConditionFault(ValueError):
    """A condition that cannot be compiled. `path` leads to it, such as `all.0.value`."""

    def __init__(self, code: str, path: str, word: str = "") -> None:
        super().__init__(f"{path}: {code} {word}".strip())
        self.code = code
        self.path = path
        self.word = word


def compile_snapshot(platform: Mapping[str, Any], tenant: Mapping[str, Any]) -> Snapshot:
    """Join the platform's records with a tenant's; raises ConditionFault or KeyError."""
    deployments = _deployments(platform, tenant)
    rules = [_rule(record) for record in (*tenant["rules"], *platform["rules"])]
    models = {name: _model(name, record) for name, record in platform["models"].items()}
    aliases = {name: tuple(targets) for name, targets in tenant["aliases"].items()}
    return Snapshot(
        platform_version=platform["version"],
        tenant_version=tenant["version"],
        # Stable: rules of one scope keep the order in which people put them.
        rules=tuple(sorted(rules, key=lambda rule: SCOPE_ORDER[rule.scope])),
        aliases=aliases,
        models=models,
        deployments=deployments,
        auto_models=aliases.get("auto") or _default_pool(deployments),
    )


def compile_condition(tree: Any) -> Group:
    """Return the tree, checked; an empty one holds for every request. Raises ConditionFault."""
    is_empty = isinstance(tree, Mapping) and not tree
    return Group("all", ()) if is_empty else _group(tree, "", 1)


def _rule(record: Mapping[str, Any]) -> Rule:
    return Rule(
        id=record["id"],
        name=record["name"],
        scope=record["scope"],
        project=record["project"],
        condition=compile_condition(record["condition"]),
        action=record["action"],
        targets=tuple(record["targets"]),
        reject_message=record["reject_message"],
        prompt_template=record["prompt_template"],
        max_output_tokens=record["max_output_tokens"],
        cache_seconds=record["cache_seconds"],
    )


def _group(tree: Any, path: str, depth: int) -> Group:
    if not isinstance(tree, Mapping) or len(tree) != 1:
        raise ConditionFault("group_shape", path)
    kind, members = next(iter(tree.items()))
    if kind not in GROUP_KINDS:
        raise ConditionFault("group_kind", path, str(kind))
    if depth > MAX_DEPTH:
        raise ConditionFault("too_deep", path, str(MAX_DEPTH))
    if not isinstance(members, list | tuple):
        raise ConditionFault("group_shape", path)
    here = f"{path}.{kind}" if path else kind
    compiled = tuple(_member(m, f"{here}.{i}", depth) for i, m in enumerate(members))
    return Group(cast("GroupKind", kind), compiled)


def _member(record: Any, path: str, depth: int) -> Clause | Group:
    if isinstance(record, Mapping) and "field" in record:
        return _clause(record, path)
    return _group(record, path, depth + 1)


def _clause(record: Mapping[str, Any], path: str) -> Clause:
    field = FIELDS.get(str(record["field"]))
    if field is None:
        raise ConditionFault("unknown_field", f"{path}.field", str(record["field"]))
    operator = str(record.get("operator", ""))
    if operator not in field.operators:
        raise ConditionFault("unknown_operator", f"{path}.operator", operator)
    value = _value(record.get("value"), f"{path}.value")
    if field.kind == "number":
        _check_numbers(operator, value, f"{path}.value")
    return Clause(str(record["field"]), operator, value)


def _value(value: Any, path: str) -> Any:
    if isinstance(value, list | tuple):
        if not value or not all(_is_scalar(item) for item in value):
            raise ConditionFault("value_shape", path)
        return tuple(value)
    if not _is_scalar(value):
        raise ConditionFault("value_shape", path)
    return value


def _is_scalar(value: Any) -> bool:
    """Tell whether it can be compared; an empty text would be contained in everything."""
    return isinstance(value, str | int | float) and value != ""


def _check_numbers(operator: str, value: Any, path: str) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    wanted = 2 if operator == "between" else 1
    if len(numbers) != wanted or isinstance(value, tuple) != (operator == "between"):
        raise ConditionFault("number_count", path, str(wanted))
    if not all(_is_number(number) for number in numbers):
        raise ConditionFault("not_a_number", path)


def _is_number(value: Any) -> bool:
    is_numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return is_numeric and -math.inf < value < math.inf


def _model(name: str, record: Mapping[str, Any]) -> Model:
    return Model(
        name=name,
        provider=record["provider"],
        context_window=record["context_window"],
        max_output_tokens=record["max_output_tokens"],
        lifecycle=record["lifecycle"],
        capabilities=record["capabilities"],
    )


def _deployments(
    platform: Mapping[str, Any], tenant: Mapping[str, Any]
) -> dict[str, tuple[Deployment, ...]]:
    granted = frozenset(tenant["granted"])
    shared = (record for record in platform["deployments"] if record["model"] in granted)
    found: dict[str, list[Deployment]] = {}
    for record in (*tenant["deployments"], *shared):
        deployment = _deployment(record, tenant["prices"].get(record["model"], {}))
        found.setdefault(deployment.model, []).append(deployment)
    return {name: tuple(items) for name, items in found.items()}


def _deployment(record: Mapping[str, Any], own_prices: Mapping[str, int]) -> Deployment:
    prices = {name: own_prices.get(name, record[name]) for name in PRICES}
    return Deployment(
        id=record["id"],
        name=record["name"],
        model=record["model"],
        provider=record["provider"],
        region=record["region"],
        is_enabled=record["is_enabled"],
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
