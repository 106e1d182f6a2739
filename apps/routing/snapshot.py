"""The only mapper from tables to what the engine reads: plain records, ready for JSON."""

import hashlib
import json
from copy import copy
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from apps.core.clock import utc_now
from apps.prompts.snapshot import prompt_records
from apps.providers.snapshot import (
    catalogue_records,
    connection_records,
    deployment_records,
    price_overrides,
)
from apps.routing.calendars import holiday_dates
from apps.routing.models import AliasTarget, Grant, HolidayCalendar, ModelAlias, Rule, RuleTarget
from apps.tenants.models import Tenant

MARK_CHARACTERS = 12
# Columns of a rule that the engine reads as they are stored.
PLAIN_FIELDS = (
    *("name", "action", "is_default", "strategy", "price_weight", "affinity", "unit"),
    *("reject_message", "max_output_tokens", "cache_seconds", "data_class", "price_cap"),
    *("latency_cap_ms", "allow_unknown", "first_token_timeout_ms", "total_timeout_ms"),
    *("max_attempts", "on_content_filter", "on_unsupported"),
)
COPIED_FIELDS = ("arms", "parameters", "add_tags", "regions")


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
        "calendars": _calendar_records(None),
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
        "calendars": _calendar_records(tenant_id),
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
    rule_set, project = rule.rule_set, rule.rule_set.project
    return {
        "id": str(rule.id),
        "scope": _scope(rule),
        "project": project.slug if project else "",
        "key": str(rule_set.api_key_id or ""),
        "is_locked": rule_set.is_locked,
        "active_from_ms": unix_ms_of(rule.active_from),
        "active_until_ms": unix_ms_of(rule.active_until),
        "condition": rule.conditions,
        "targets": [
            {"model": target.llm_model.name, "weight": target.weight}
            for target in rule.targets.all()
        ],
        "prompt_template": rule.prompt_template.slug if rule.prompt_template else "",
        **{name: getattr(rule, name) for name in PLAIN_FIELDS},
        **{name: copy(getattr(rule, name)) for name in COPIED_FIELDS},
    }


def _scope(rule: Rule) -> str:
    if rule.tenant_id is None:
        return "global"
    if rule.rule_set.api_key_id:
        return "key"
    return "project" if rule.rule_set.project_id else "tenant"


def unix_ms_of(moment: datetime | None) -> int | None:
    """Return a moment as the engine reads it."""
    return None if moment is None else round(moment.timestamp() * 1000)


def _calendar_records(tenant_id: UUID | None) -> dict[str, list[str]]:
    """Return the days by name of the calendar.

    A tenant's release holds the platform's calendars as well: what the platform drops later cannot
    break rules that are live.
    """
    owners = Q(tenant_id=None) | Q(tenant_id=tenant_id)
    rows = sorted(
        HolidayCalendar.objects.filter(owners).order_by("name"),
        key=lambda calendar: calendar.tenant_id is not None,
    )
    today = utc_now().date()
    return {calendar.name: calendar_dates(calendar, today) for calendar in rows}


def calendar_dates(calendar: HolidayCalendar, today: date) -> list[str]:
    """Return the days of a calendar, from last year to three years ahead."""
    return holiday_dates(
        country=calendar.country,
        subdivision=calendar.subdivision,
        extra=calendar.extra_dates,
        removed=calendar.removed_dates,
        today=today,
    )


def _alias_records(tenant_id: UUID) -> dict[str, list[str]]:
    targets = AliasTarget.objects.select_related("llm_model").order_by("position", "id")
    aliases = ModelAlias.objects.filter(tenant_id=tenant_id).order_by("name")
    return {
        alias.name: [target.llm_model.name for target in alias.targets.all()]
        for alias in aliases.prefetch_related(Prefetch("targets", queryset=targets))
    }
