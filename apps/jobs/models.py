"""Asynchronous requests: submitted, run by a worker, fetched later; one signed webhook each."""

from typing import override

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.jobs.enums import JobStatus, WebhookStatus
from apps.tenants.models import Project, TenantOwnedModel


class Job(TenantOwnedModel):
    """One request to be run later. Outside its id reads `job_…`; content is encrypted.

    The row is the outbox: whatever the broker forgets, the sweep finds here (`run_after` of a
    queued job, `lease_expires_at` of a running one, `webhook_after` of an undelivered webhook).
    """

    project = models.ForeignKey(
        Project, verbose_name=_("project"), on_delete=models.CASCADE, related_name="jobs"
    )
    api_key_id = models.UUIDField(_("API key"), editable=False)
    api_key_label = models.CharField(_("API key"), max_length=120, editable=False)
    idempotency_key = models.CharField(max_length=120, blank=True, editable=False)
    requested_model = models.CharField(_("requested model"), max_length=120, editable=False)
    status = models.CharField(
        _("state"), max_length=20, choices=JobStatus.choices, default=JobStatus.QUEUED
    )
    request_digest = models.CharField(max_length=64, editable=False)
    request_ciphertext = models.TextField(editable=False)
    result_ciphertext = models.TextField(blank=True, editable=False)
    request_id = models.UUIDField(_("request"), null=True, editable=False)
    error_code = models.CharField(_("error"), max_length=64, blank=True)
    error_message = models.TextField(_("error message"), blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    run_after = models.DateTimeField(_("runs after"), editable=False)
    lease_expires_at = models.DateTimeField(_("lease until"), null=True, editable=False)
    webhook_url = models.URLField(_("webhook"), max_length=500, blank=True)
    webhook_status = models.CharField(
        _("webhook state"),
        max_length=20,
        choices=WebhookStatus.choices,
        default=WebhookStatus.NONE,
    )
    webhook_attempts = models.PositiveSmallIntegerField(_("webhook attempts"), default=0)
    webhook_after = models.DateTimeField(_("next webhook attempt"), null=True, editable=False)
    webhook_error = models.CharField(_("webhook error"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, editable=False)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "api_key_id", "idempotency_key"),
                condition=~models.Q(idempotency_key=""),
                name="job_once_per_idempotency_key",
            ),
        )
        indexes = (
            models.Index(
                fields=("run_after",),
                condition=models.Q(status=JobStatus.QUEUED),
                name="job_queued",
            ),
            models.Index(
                fields=("lease_expires_at",),
                condition=models.Q(status=JobStatus.RUNNING),
                name="job_running",
            ),
            models.Index(
                fields=("webhook_after",),
                condition=models.Q(webhook_status=WebhookStatus.PENDING),
                name="job_webhook_pending",
            ),
            models.Index(fields=("tenant", "-created_at"), name="job_newest_of_tenant"),
        )

    @override
    def __str__(self) -> str:
        return f"job_{self.id.hex}"


class WebhookSecret(TenantOwnedModel):
    """What a tenant's webhooks are signed with; encrypted, one in force per tenant."""

    ciphertext = models.TextField(editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    rotated_at = models.DateTimeField(_("rotated at"), null=True, editable=False)

    class Meta:
        verbose_name = _("webhook secret")
        verbose_name_plural = _("webhook secrets")
        constraints = (
            models.UniqueConstraint(fields=("tenant",), name="webhook_secret_per_tenant"),
        )

    @override
    def __str__(self) -> str:
        return f"{self.tenant}"
