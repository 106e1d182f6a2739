"""Asynchronous requests: submitted, run by a worker, fetched later; one signed webhook each."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.jobs.enums import JobStatus, WebhookStatus
from apps.tenants.models import Project, TenantOwnedModel


class Job(TenantOwnedModel):
    """One request to be run later. Outside its id reads `job_…`; content is encrypted."""

    project = models.ForeignKey(
        Project, verbose_name=_("project"), on_delete=models.CASCADE, related_name="jobs"
    )
    api_key_id = models.UUIDField(_("API key"), editable=False)
    api_key_label = models.CharField(_("API key"), max_length=120, editable=False)
    status = models.CharField(
        _("state"), max_length=20, choices=JobStatus.choices, default=JobStatus.QUEUED
    )
    request_ciphertext = models.TextField(editable=False)
    result_ciphertext = models.TextField(blank=True, editable=False)
    error_code = models.CharField(_("error"), max_length=64, blank=True)
    error_message = models.TextField(_("error message"), blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    webhook_url = models.URLField(_("webhook"), blank=True)
    webhook_status = models.CharField(
        _("webhook state"),
        max_length=20,
        choices=WebhookStatus.choices,
        default=WebhookStatus.NONE,
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, editable=False)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"job_{self.id.hex}"
