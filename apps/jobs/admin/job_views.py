"""Pages around jobs: cancel with a confirmation, content in clear, the webhook secret."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.audit.actors import actor_of
from apps.conversations.selectors import may_read_content
from apps.core.errors import Conflict
from apps.core.scoping import current_scope
from apps.jobs import services
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job, WebhookSecret
from apps.jobs.selectors import open_request, open_result
from apps.jobs.webhook_secrets import rotate_secret

MOST_AT_ONCE = 100


class JobViewsMixin:
    """Views of JobAdmin; all of them are for owners and platform administrators."""

    admin_site: Any
    opts: Any

    def cancel_view(self, request: HttpRequest) -> HttpResponse:
        """Name the jobs that would be cancelled; POST cancels them."""
        _require_owner(request)
        ids = [UUID(text) for text in request.GET.getlist("id")[:MOST_AT_ONCE] if _is_uuid(text)]
        jobs = Job.objects.filter(pk__in=ids).select_related("project")
        if request.method == "POST":
            _cancel_all(request, list(jobs), request.POST.get("comment", ""))
            return HttpResponseRedirect(reverse("admin:jobs_job_changelist"))
        waiting = [job for job in jobs if job.status == JobStatus.QUEUED]
        context = {"waiting": waiting, "others": len(jobs) - len(waiting)}
        return self._page(request, "jobs/cancel.html", _("Cancel jobs"), context)

    def content_view(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """Show request and result in clear; each look is in the trail."""
        _require_owner(request)
        job: Job = get_object_or_404(Job.objects.select_related("project"), pk=job_id)
        services.note_reading(job=job, actor=actor_of(request))
        result = open_result(job)
        context = {
            "job": job,
            "request_text": _pretty(open_request(job)),
            "result_text": _pretty(result) if result else "",
        }
        return self._page(request, "jobs/content.html", str(job), context)

    def secret_view(self, request: HttpRequest) -> HttpResponse:
        """Say when the tenant's secret was made; POST makes a new one and shows it once."""
        _require_owner(request)
        tenant_id = current_scope().tenant_id
        context: dict[str, Any] = {"has_tenant": tenant_id is not None}
        if tenant_id and request.method == "POST":
            context["clear"] = rotate_secret(tenant_id=tenant_id, actor=actor_of(request)).clear
        if tenant_id:
            context["secret"] = WebhookSecret.objects.filter(tenant_id=tenant_id).first()
        answer = self._page(request, "jobs/webhook_secret.html", _("Webhook secret"), context)
        answer["Cache-Control"] = "no-store"
        return answer

    def _page(
        self, request: HttpRequest, page: str, title: str, context: dict[str, Any]
    ) -> HttpResponse:
        shell = self.admin_site.each_context(request)
        return TemplateResponse(
            request, page, {**shell, "title": title, "opts": self.opts, **context}
        )


def _cancel_all(request: HttpRequest, jobs: list[Job], reason: str) -> None:
    cancelled = 0
    for job in jobs:
        try:
            services.cancel_job(job=job, actor=actor_of(request), reason=reason)
        except Conflict:
            # It began to run since the page was opened.
            continue
        cancelled += 1
    told = ngettext("%(count)d job was cancelled.", "%(count)d jobs were cancelled.", cancelled)
    messages.success(request, told % {"count": cancelled})
    if left := len(jobs) - cancelled:
        told = ngettext(
            "%(count)d job runs or has ended already.",
            "%(count)d jobs run or have ended already.",
            left,
        )
        messages.warning(request, told % {"count": left})


def _require_owner(request: HttpRequest) -> None:
    if not may_read_content(request.user):
        raise PermissionDenied


def _pretty(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, indent=2)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
