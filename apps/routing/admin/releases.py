"""Releases in the admin: what was published, publishing the draft, going back to a release."""

from typing import Any, override

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action, display

from apps.accounts.roles import PUBLISH_RELEASE
from apps.audit.actors import actor_of
from apps.audit.admin import ReadOnlyModelAdmin
from apps.audit.admin.permissions import in_platform_scope
from apps.core.errors import RouterError
from apps.core.scoping import current_scope
from apps.routing import route_manager
from apps.routing.admin.traffic import TrafficPage
from apps.routing.differences import find_differences
from apps.routing.models import Release
from apps.routing.snapshot import build_records
from apps.routing.types import Publication
from apps.routing.validation import field_label

STATE_COLOURS = {"live": "success", "superseded": "info"}


@admin.register(Release)
class ReleaseAdmin(ReadOnlyModelAdmin):
    """The line of versions; the newest one is live."""

    list_display = ("version", "shown_state", "published_at", "published_by", "comment")
    list_filter = ("state", "published_at")
    search_fields = ("comment", "published_by")
    list_select_related = ("tenant",)
    fields = ("version", "state", "published_at", "published_by", "comment", "rules_in_it")
    readonly_fields = fields
    actions_list = ("review_and_publish",)
    actions_detail = ("go_back",)
    empty_list_text = gettext_lazy("Nothing was published yet: publish the draft to make it live.")

    @override
    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site
        own = [
            path("traffic/", site.admin_view(TrafficPage(site)), name="routing_traffic"),
            path("publish/", site.admin_view(self.publish_view), name="routing_release_publish"),
            path(
                "<uuid:release_id>/roll-back/",
                site.admin_view(self.roll_back_view),
                name="routing_release_roll_back",
            ),
        ]
        return [*own, *super().get_urls()]

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        """Show a tenant its own line of versions; the platform's has the same numbers."""
        rows: QuerySet[Release] = super().get_queryset(request)
        return rows if in_platform_scope() else rows.filter(tenant__isnull=False)

    @display(description=gettext_lazy("state"), ordering="state", label=STATE_COLOURS)
    def shown_state(self, release: Release) -> tuple[str, str]:
        return release.state, release.get_state_display()

    @display(description=gettext_lazy("Rules in it"))
    def rules_in_it(self, release: Release) -> str:
        return ", ".join(rule["name"] for rule in release.snapshot["rules"]) or "—"

    @action(description=gettext_lazy("Review and publish"), url_path="review", icon="rocket_launch")
    def review_and_publish(self, _request: HttpRequest) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:routing_release_publish"))

    @action(description=gettext_lazy("Go back to this release"), url_path="go-back", icon="undo")
    def go_back(self, _request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:routing_release_roll_back", args=[object_id]))

    def publish_view(self, request: HttpRequest) -> HttpResponse:
        """Show what a publish would change and what is wrong with it; POST publishes."""
        tenant_id = current_scope().tenant_id
        if request.method == "POST":
            _require_leave(request)
            comment = request.POST.get("comment", "")
            try:
                done = route_manager.publish(
                    tenant_id=tenant_id, actor=actor_of(request), comment=comment
                )
            except RouterError as error:
                messages.error(request, error.message)
            else:
                tell_publication(request, done)
                return HttpResponseRedirect(reverse("admin:routing_release_changelist"))
        return TemplateResponse(request, "routing/publish.html", self._review(request))

    def roll_back_view(self, request: HttpRequest, release_id: Any) -> HttpResponse:
        """Say what going back would change; POST goes back."""
        release = get_object_or_404(self.get_queryset(request), id=release_id)
        if request.method == "POST":
            _require_leave(request)
            reason = request.POST.get("comment", "")
            try:
                done = route_manager.roll_back(
                    release=release, actor=actor_of(request), reason=reason
                )
            except RouterError as error:
                messages.error(request, error.message)
            else:
                tell_publication(request, done)
                return HttpResponseRedirect(reverse("admin:routing_release_changelist"))
        live = route_manager.live_release(release.tenant_id)
        context = {
            **self._page(
                request, _("Go back to version %(version)s") % {"version": release.version}
            ),
            "release": release,
            "live": live,
            "differences": find_differences(
                live.snapshot if live else {}, route_manager.records_to_restore(release)
            ),
        }
        return TemplateResponse(request, "routing/roll_back.html", context)

    def _review(self, request: HttpRequest) -> dict[str, Any]:
        tenant_id = current_scope().tenant_id
        draft = build_records(tenant_id)
        live = route_manager.live_release(tenant_id)
        problems = route_manager.validate(tenant_id)
        return {
            **self._page(request, _("Review and publish")),
            "live": live,
            "differences": find_differences(live.snapshot if live else {}, draft),
            "problems": [(problem, field_label(problem.field)) for problem in problems],
            "has_errors": any(problem.severity == "error" for problem in problems),
        }

    def _page(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "may_publish": request.user.has_perm(PUBLISH_RELEASE),
            "owner": getattr(request, "active_tenant", None) or _("the platform"),
        }


def tell_publication(request: HttpRequest, done: Publication) -> None:
    """Say which version runs where; workers that are late are named."""
    count = len(done.acknowledged)
    told = ngettext(
        "Version %(version)s is live on %(count)s worker after %(ms)s ms.",
        "Version %(version)s is live on %(count)s workers after %(ms)s ms.",
        count,
    )
    text = told % {"version": done.version, "count": count, "ms": done.milliseconds}
    messages.success(request, text)
    if done.late:
        names = ", ".join(done.late)
        messages.warning(request, _("These workers are late: %(names)s.") % {"names": names})


def _require_leave(request: HttpRequest) -> None:
    if not request.user.has_perm(PUBLISH_RELEASE):
        raise PermissionDenied
