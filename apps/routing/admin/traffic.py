"""The page on which a switch of providers, models or deployments is confirmed."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.audit.actors import actor_of
from apps.audit.admin.permissions import in_platform_scope
from apps.core.errors import RouterError
from apps.providers.enums import Traffic
from apps.routing.traffic import TABLES, is_the_platforms, rows_of, switch_traffic, touched_by
from apps.routing.types import Publication

TITLES = {
    Traffic.ON: gettext_lazy("Switch on"),
    Traffic.DRAIN: gettext_lazy("Drain"),
    Traffic.OFF: gettext_lazy("Switch off"),
}
MEANINGS = {
    Traffic.ON: gettext_lazy("New requests are sent there again, as rules and health allow."),
    Traffic.DRAIN: gettext_lazy(
        "Conversations that are there already stay; no new request is sent there."
    ),
    Traffic.OFF: gettext_lazy("Nothing is sent there any more, not even running conversations."),
}


class TrafficPage:
    """A view of the admin site: GET says what a switch touches, POST turns it."""

    def __init__(self, site: AdminSite) -> None:
        self._site = site

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.POST if request.method == "POST" else request.GET
        kind, traffic = asked.get("kind", ""), asked.get("traffic", "")
        if kind not in TABLES or traffic not in Traffic.values:
            return HttpResponseRedirect(reverse("admin:index"))
        rows = self._permitted(request, kind, asked.getlist("id"))
        if is_the_platforms(kind, rows) and not in_platform_scope():
            messages.error(request, _("This is the platform's: choose “all tenants” first."))
            return HttpResponseRedirect(reverse(f"admin:providers_{kind}_changelist"))
        if request.method == "POST":
            return self._switch(request, kind, rows, traffic)
        context = self._context(request, kind, rows, Traffic(traffic))
        return TemplateResponse(request, "routing/traffic.html", context)

    def _permitted(self, request: HttpRequest, kind: str, ids: list[str]) -> list[Any]:
        admin = self._site.get_model_admin(TABLES[kind])
        rows = rows_of(kind, ids)
        if not rows or not all(admin.has_change_permission(request, row) for row in rows):
            raise PermissionDenied
        return rows

    def _switch(
        self, request: HttpRequest, kind: str, rows: list[Any], traffic: str
    ) -> HttpResponse:
        try:
            done = switch_traffic(
                kind=kind,
                rows=rows,
                traffic=traffic,
                actor=actor_of(request),
                reason=request.POST.get("comment", ""),
            )
        except RouterError as error:
            messages.error(request, error.message)
        else:
            _tell(request, done)
        return HttpResponseRedirect(reverse(f"admin:providers_{kind}_changelist"))

    def _context(
        self, request: HttpRequest, kind: str, rows: list[Any], traffic: Traffic
    ) -> dict[str, Any]:
        return {
            **self._site.each_context(request),
            "title": TITLES[traffic],
            "opts": TABLES[kind]._meta,
            "meaning": MEANINGS[traffic],
            "kind": kind,
            "traffic": traffic.value,
            "rows": rows,
            "touched": touched_by(kind, rows),
        }


def _tell(request: HttpRequest, done: list[Publication]) -> None:
    late = sorted({worker for publication in done for worker in publication.late})
    told = ngettext(
        "Switched; %(count)s release was published again.",
        "Switched; %(count)s releases were published again.",
        len(done),
    )
    messages.success(request, told % {"count": len(done)})
    if late:
        messages.warning(
            request, _("These workers are late: %(names)s.") % {"names": ", ".join(late)}
        )
