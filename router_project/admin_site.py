"""The admin site: sign-in through allauth, the dashboard as its home, the tenant in its header."""

import time
from typing import Any, override

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from unfold.sites import UnfoldAdminSite

from apps.accounts.active_tenant import tenant_choices
from apps.core.errors import InvalidRequest
from apps.core.scoping import has_scope
from apps.usage.dashboard import dashboard_context
from apps.usage.filters import UsageFilter, parse_filter
from apps.usage.report_csv import report_csv
from apps.usage.selectors import DIMENSIONS, grouped
from router_project.admin_search import find

RESULTS = "unfold/helpers/command_results.html"
RESULTS_PER_PAGE = 100
SEE_USAGE = "usage.view_requestlog"


class RouterAdminSite(UnfoldAdminSite):
    """One site for business users, analysts and operators; each sees what the role allows."""

    index_template = "admin/home.html"

    @override
    def get_urls(self) -> list[Any]:
        own = [path("usage.csv", self.admin_view(self.usage_csv), name="usage_csv")]
        return [*own, *super().get_urls()]

    @override
    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().each_context(request)
        return {**context, "tenant_choices": tenant_choices(request)}

    @override
    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context: dict[str, Any] = {"title": _("Usage"), **(extra_context or {})}
        if has_scope() and request.user.has_perm(SEE_USAGE):
            context |= {"dashboard": dashboard_context(_wanted(request))}
        response: HttpResponse = super().index(request, context)
        return response

    @override
    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Answer the search of the menu."""
        term = request.GET.get("s", "").strip().lower()
        if not term:
            return HttpResponse()
        started = time.perf_counter()
        results = Paginator(find(self, request, term), RESULTS_PER_PAGE).get_page(1)
        context = {
            "search_term": term,
            "results": results,
            "page_obj": results.paginator,
            "page_counter": 0,
            "execution_time": time.perf_counter() - started,
        }
        headers = {"HX-Trigger": "search"}
        return TemplateResponse(
            request, RESULTS, {**context, **(extra_context or {})}, headers=headers
        )

    def usage_csv(self, request: HttpRequest) -> HttpResponse:
        """Download what a table of the dashboard shows."""
        if not request.user.has_perm(SEE_USAGE):
            raise PermissionDenied
        dimension = request.GET.get("group_by", "day")
        if dimension not in DIMENSIONS:
            raise PermissionDenied
        return report_csv(grouped(_wanted(request), dimension), dimension)


def _wanted(request: HttpRequest) -> UsageFilter:
    """Return the filter of the page; a wrong one is told and replaced by the default."""
    try:
        return parse_filter(request.GET)
    except InvalidRequest as error:
        messages.error(request, error.message)
        return parse_filter({})
