"""The only mapper from tables to what the engine reads: plain records, ready for JSON."""

import hashlib
import json
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from apps.prompts.snapshot import prompt_records
from apps.providers.snapshot import (
    catalogue_records,
    connection_records,
    deployment_records,
    price_overrides,
)
from apps.routing.models import AliasTarget, Grant, ModelAlias, Rule, RuleTarget
from apps.tenants.models import Tenant

MARK_CHARACTERS = 12


def build_records(tenant_id: UUID | None) -> dict[str, Any]:
    """Return what a release of this owner holds (None: the platform); runs in the owner's scope."""
    return _platform_records() if tenant_id is None else _tenant_records(tenant_id)


def build_connections(tenant_id: UUID | None) -> dict[str, Any]:
    """Return how to reach the owner's deployments, secrets sealed.

    Never part of a release: a roll-back must not bring an old credential back.
    """
    return connection_records(tenant_id)


def _platform_records() -> dict[str, Any]:
    return {
        "rules": _rule_records(None),
        "models": catalogue_records(),
        "deployments": _deployment_records(None),
    }


def _tenant_records(tenant_id: UUID) -> dict[str, Any]:
    tenant = Tenant.objects.get(id=tenant_id)
    grants = Grant.objects.filter(tenant_id=tenant_id)
    return {
        "rules": _rule_records(tenant_id),
        "aliases": _alias_records(tenant_id),
        "granted": sorted(grants.values_list("llm_model__name", flat=True)),
        "deployments": _deployment_records(tenant_id),
        "prices": price_overrides(tenant_id),
        "prompts": prompt_records(tenant),
    }


def _deployment_records(tenant_id: UUID | None) -> list[dict[str, Any]]:
    """Add a mark of each connection, so that a new address or credential counts as a change."""
    connections = build_connections(tenant_id)
    records = deployment_records(tenant_id)
    return [{**record, "connection": _mark(connections[record["id"]])} for record in records]


def _mark(connection: dict[str, Any]) -> str:
    text = json.dumps(connection, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:MARK_CHARACTERS]


def _rule_records(tenant_id: UUID | None) -> list[dict[str, Any]]:
    return [_rule_record(rule) for rule in enabled_rules(tenant_id)]


def enabled_rules(tenant_id: UUID | None) -> QuerySet[Rule]:
    """Return the rules that a publish would make live, in their order."""
    targets = RuleTarget.objects.select_related("llm_model").order_by("position", "id")
    return (
        Rule.objects.filter(tenant_id=tenant_id, is_enabled=True, rule_set__is_enabled=True)
        .select_related("rule_set__project", "prompt_template")
        .prefetch_related(Prefetch("targets", queryset=targets))
        .order_by("rule_set__name", "rule_set_id", "position", "id")
    )


def _rule_record(rule: Rule) -> dict[str, Any]:
    project = rule.rule_set.project
    return {
        "id": str(rule.id),
        "name": rule.name,
        "scope": _scope(rule),
        "project": project.slug if project else "",
        "condition": rule.conditions,
        "action": rule.action,
        "targets": [target.llm_model.name for target in rule.targets.all()],
        "reject_message": rule.reject_message,
        "prompt_template": rule.prompt_template.slug if rule.prompt_template else "",
        "max_output_tokens": rule.max_output_tokens,
        "cache_seconds": rule.cache_seconds,
    }


def _scope(rule: Rule) -> str:
    if rule.tenant_id is None:
        return "global"
    return "project" if rule.rule_set.project_id else "tenant"


def _alias_records(tenant_id: UUID) -> dict[str, list[str]]:
    targets = AliasTarget.objects.select_related("llm_model").order_by("position", "id")
    aliases = ModelAlias.objects.filter(tenant_id=tenant_id).order_by("name")
    return {
        alias.name: [target.llm_model.name for target in alias.targets.all()]
        for alias in aliases.prefetch_related(Prefetch("targets", queryset=targets))
    }
