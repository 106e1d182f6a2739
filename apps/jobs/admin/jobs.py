"""Jobs in the admin: found and cancelled; what was asked and answered is for owners."""

from typing import Any, override

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display

from apps.audit.admin import ReadOnlyModelAdmin
from apps.core.ids import parse_public_id, public_id
from apps.jobs.admin.job_views import JobViewsMixin
from apps.jobs.models import Job
from apps.jobs.types import ID_PREFIX

STATE_COLOURS = {
    "queued": "info",
    "running": "warning",
    "succeeded": "success",
    "failed": "danger",
    "cancelled": "primary",
}


@admin.register(Job)
class JobAdmin(JobViewsMixin, ReadOnlyModelAdmin):
    """Asynchronous requests of API clients."""

    list_display = (
        *("shown_id", "shown_status", "project", "requested_model", "api_key_label"),
        *("created_at", "finished_at", "attempts", "error_code"),
    )
    list_filter = ("status", ("created_at", RangeDateFilter), "project", "webhook_status")
    list_filter_submit = True
    list_select_related = ("tenant", "project")
    search_fields = ("requested_model", "api_key_label", "error_code", "error_message", "id")
    search_help_text = _("Model, API key, error, or the id that clients use: job_…")
    show_full_result_count = False
    actions = ("cancel_selected",)
    actions_list = ("open_webhook_secret",)
    actions_detail = ("show_content", "cancel_one")
    empty_list_text = _(
        "Clients submit jobs with POST /api/v1/jobs/ and fetch the result later; a signed webhook "
        "can tell them when."
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("shown_id", "status", "project", "requested_model", "api_key_label"),
                    *("attempts", "shown_request_id", "error_code", "error_message"),
                )
            },
        ),
        (
            _("Times"),
            {
                "fields": (
                    *("created_at", "run_after", "started_at", "lease_expires_at"),
                    "finished_at",
                )
            },
        ),
        (
            _("Webhook"),
            {
                "fields": (
                    *("webhook_url", "webhook_status", "webhook_attempts"),
                    *("webhook_after", "webhook_error"),
                )
            },
        ),
    )

    @override
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("cancel/", view(self.cancel_view), name="jobs_job_cancel"),
            path("webhook-secret/", view(self.secret_view), name="jobs_job_webhook_secret"),
            path("<uuid:job_id>/content/", view(self.content_view), name="jobs_job_content"),
        ]
        return [*own, *super().get_urls()]

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        try:
            row_id = parse_public_id(ID_PREFIX, search_term.strip())
        except ValueError:
            found: tuple[models.QuerySet[Any], bool] = super().get_search_results(
                request, queryset, search_term
            )
            return found
        return queryset.filter(id=row_id), False

    @display(description=_("id"))
    def shown_id(self, job: Job) -> str:
        return str(job)

    @display(description=_("state"), ordering="status", label=STATE_COLOURS)
    def shown_status(self, job: Job) -> tuple[str, str]:
        return job.status, job.get_status_display()

    @display(description=_("request"))
    def shown_request_id(self, job: Job) -> str:
        return public_id("req", job.request_id) if job.request_id else ""

    @admin.action(description=_("Cancel the selected jobs that still wait"), permissions=["view"])
    def cancel_selected(
        self, _request: HttpRequest, queryset: models.QuerySet[Job]
    ) -> HttpResponseRedirect:
        return _to_cancel_page([str(pk) for pk in queryset.values_list("pk", flat=True)])

    @action(description=_("Cancel"), url_path="cancel-one", icon="cancel")
    def cancel_one(self, _request: HttpRequest, object_id: Any) -> HttpResponseRedirect:
        return _to_cancel_page([str(object_id)])

    @action(description=_("Show request and result"), url_path="show", icon="visibility")
    def show_content(self, _request: HttpRequest, object_id: Any) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:jobs_job_content", args=[object_id]))

    @action(description=_("Webhook secret"), url_path="secret", icon="key")
    def open_webhook_secret(self, _request: HttpRequest) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:jobs_job_webhook_secret"))


def _to_cancel_page(ids: list[str]) -> HttpResponseRedirect:
    query = urlencode({"id": ids}, doseq=True)
    return HttpResponseRedirect(f"{reverse('admin:jobs_job_cancel')}?{query}")
