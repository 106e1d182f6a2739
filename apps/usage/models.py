"""The books: one row per request, one append-only ledger row per billed attempt.

Rows outlive what they name: ids and labels, the only foreign key is the tenant. The tables are
partitioned by day (see the first migration), so their real primary keys are (id, day).
"""

from typing import Any, override

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.scoping import TenantManager
from apps.tenants.models import Tenant

# So that a process of the version before may still write rows.
NOTHING = models.Value({}, models.JSONField())


class UsageRow(models.Model):
    """What a request and its ledger rows share: when, whose, by which rule."""

    id = models.UUIDField(primary_key=True, editable=False)
    day = models.DateField(_("day"))
    at = models.DateTimeField(_("at"))
    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.PROTECT, related_name="+"
    )
    project_id = models.UUIDField()
    project = models.CharField(_("project"), max_length=120)
    key_id = models.UUIDField()
    key = models.CharField(_("API key"), max_length=120)
    model = models.CharField(_("LLM model"), max_length=120, blank=True)
    provider = models.CharField(_("provider"), max_length=63, blank=True)
    rule_id = models.CharField(max_length=64, blank=True)
    rule = models.CharField(_("rule"), max_length=120, blank=True)
    input_tokens = models.BigIntegerField(_("input tokens"), default=0)
    output_tokens = models.BigIntegerField(_("output tokens"), default=0)
    cost = models.BigIntegerField(_("cost (micro-dollars)"), default=0)
    is_estimated = models.BooleanField(_("estimated"), default=False)

    objects: TenantManager[Any] = TenantManager()

    class Meta:
        abstract = True


class RequestLog(UsageRow):
    """One request, whatever came of it. Outside its id reads `req_…`."""

    door = models.CharField(_("entrance"), max_length=40)
    requested_model = models.CharField(_("requested model"), max_length=120, blank=True)
    tags = ArrayField(
        models.CharField(max_length=40), verbose_name=_("tags"), default=list, blank=True
    )
    conversation_id = models.CharField(_("conversation"), max_length=40, blank=True)
    prompt_template = models.CharField(_("prompt template"), max_length=80, blank=True)
    status = models.CharField(_("outcome"), max_length=20)
    error_code = models.CharField(_("error"), max_length=64, blank=True)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"))
    cache = models.CharField(_("cache"), max_length=8)
    is_streamed = models.BooleanField(_("streamed"), default=False)
    ttft_ms = models.PositiveIntegerField(_("time to first token (ms)"), null=True)
    total_ms = models.PositiveIntegerField(_("duration (ms)"))
    platform_version = models.PositiveBigIntegerField(_("platform version"))
    tenant_version = models.PositiveBigIntegerField(_("tenant version"))
    trace = models.JSONField(_("decision trace"), default=list)
    attempts = models.JSONField(_("attempts"), default=list)
    facts = models.JSONField(_("facts"), default=dict, db_default=NOTHING)

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        ordering = ("-at",)
        indexes = (
            models.Index(fields=("tenant", "-at"), name="request_newest_of_tenant"),
            models.Index(fields=("-at",), name="request_newest"),
        )

    @override
    def __str__(self) -> str:
        return f"req_{self.id.hex}"


class LedgerEntry(UsageRow):
    """What one attempt cost. Never changed, never deleted; every total is a sum of these."""

    request_id = models.UUIDField(_("request"))
    deployment_id = models.CharField(max_length=64, blank=True)
    deployment = models.CharField(_("deployment"), max_length=120, blank=True)
    status = models.CharField(_("outcome"), max_length=20)
    cached_input_tokens = models.BigIntegerField(_("cached input tokens"), default=0)
    cache_write_tokens = models.BigIntegerField(_("cache write tokens"), default=0)
    reasoning_tokens = models.BigIntegerField(_("reasoning tokens"), default=0)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ("-at",)
        indexes = (
            models.Index(fields=("tenant", "-at"), name="ledger_newest_of_tenant"),
            models.Index(fields=("key_id", "at"), name="ledger_of_key"),
        )

    @override
    def __str__(self) -> str:
        return f"{self.deployment} {self.at:%Y-%m-%d %H:%M:%S}"


class HealthSnapshot(models.Model):
    """What was known of all deployments when requests were decided; one row for each state.

    `RequestLog.facts` names it by id. It holds ids and figures of the platform's traffic, nothing
    that belongs to a tenant.
    """

    id = models.CharField(primary_key=True, max_length=32, editable=False)
    at = models.DateTimeField(_("at"))
    body = models.JSONField(_("health"), default=dict)

    class Meta:
        verbose_name = _("health snapshot")
        verbose_name_plural = _("health snapshots")
        ordering = ("-at",)
        indexes = (models.Index(fields=("at",), name="health_snapshot_oldest"),)

    @override
    def __str__(self) -> str:
        return self.id
