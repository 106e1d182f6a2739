"""Prompt templates in the admin: the list, the page of one, its versions."""

from typing import Any, override

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display

from apps.audit.actors import actor_of
from apps.audit.admin import AuditedModelAdmin, AuditedTabularInline
from apps.prompts import prompt_manager
from apps.prompts.admin.version_views import VersionViewsMixin
from apps.prompts.models import PromptTemplate, PromptVersion


class LiveStateFilter(admin.SimpleListFilter):
    """Templates that clients can use, and those that nothing was made live of yet."""

    title = gettext_lazy("state")
    parameter_name = "state"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("live", _("Live")), ("draft", _("No live version"))]

    @override
    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() not in ("live", "draft"):
            return queryset
        return queryset.filter(live_version__isnull=self.value() == "draft")


class PromptVersionInline(AuditedTabularInline):
    """The versions, newest first; nobody changes a version that was saved."""

    model = PromptVersion
    fields = ("number", "author_label", "created_at", "comment", "state", "links")
    readonly_fields = fields
    can_delete = False
    max_num = 0
    verbose_name_plural = gettext_lazy("Versions: written once, never changed")

    @display(description=gettext_lazy("state"))
    def state(self, version: PromptVersion) -> str:
        live = version.template.live_version
        if live is None or version.number > live.number:
            return _("Not live yet")
        return _("Live") if version.number == live.number else _("Older")

    @display(description=gettext_lazy("What to do"))
    def links(self, version: PromptVersion) -> SafeString:
        arguments = [version.template_id, version.number]
        show = reverse("admin:prompts_prompttemplate_version", args=arguments)
        choose = reverse("admin:prompts_prompttemplate_make_live", args=arguments)
        links = [(show, _("Show and try"))]
        if version.template.live_version_id != version.pk:
            links.append((choose, _("Make live")))
        return format_html_join(" · ", '<a href="{}">{}</a>', links)

    @override
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @override
    def get_queryset(self, request: HttpRequest) -> models.QuerySet[PromptVersion]:
        rows: models.QuerySet[PromptVersion] = super().get_queryset(request)
        return rows.select_related("template__live_version")


@admin.register(PromptTemplate)
class PromptTemplateAdmin(VersionViewsMixin, AuditedModelAdmin):
    """Named prompts; what they say is in their versions."""

    inlines = (PromptVersionInline,)
    list_display = ("name", "slug", "shown_live_version", "version_count", "created_at")
    list_filter = (LiveStateFilter, "created_at")
    list_select_related = ("tenant", "live_version")
    search_fields = ("name", "slug", "description")
    fields = ("name", "slug", "description", "shown_live_version")
    readonly_fields = ("shown_live_version",)
    actions_detail = ("write_version",)
    empty_list_text = gettext_lazy(
        "A prompt template keeps what is said to the model out of the programs: clients name it "
        "and fill in its variables, rules put it before the caller's messages. Add one, write its "
        "first version, make it live, then publish."
    )

    @override
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path(
                "<uuid:template_id>/versions/new/",
                view(self.new_version_view),
                name="prompts_prompttemplate_new_version",
            ),
            path(
                "<uuid:template_id>/versions/<int:number>/",
                view(self.version_view),
                name="prompts_prompttemplate_version",
            ),
            path(
                "<uuid:template_id>/versions/<int:number>/make-live/",
                view(self.make_live_view),
                name="prompts_prompttemplate_make_live",
            ),
        ]
        return [*own, *super().get_urls()]

    @override
    def get_queryset(self, request: HttpRequest) -> models.QuerySet[PromptTemplate]:
        rows: models.QuerySet[PromptTemplate] = super().get_queryset(request)
        return rows.annotate(count_of_versions=models.Count("versions"))

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        # Clients and published rules call the template by its short name.
        return (*fields, "slug") if obj else fields

    @override
    def get_prepopulated_fields(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> dict[str, Any]:
        return {} if obj else {"slug": ("name",)}

    @display(description=gettext_lazy("live version"), ordering="live_version__number")
    def shown_live_version(self, template: PromptTemplate) -> str:
        live = template.live_version
        if live is None:
            return _("none: make one of the versions live")
        return format_html("{} {}", f"v{live.number}", live.comment).strip()

    @display(description=gettext_lazy("versions"), ordering="count_of_versions")
    def version_count(self, template: PromptTemplate) -> int:
        count: int = getattr(template, "count_of_versions", 0)
        return count

    @action(
        description=gettext_lazy("Write a new version"),
        url_path="write-version",
        icon="edit_note",
        permissions=["add_version"],
    )
    def write_version(self, _request: HttpRequest, object_id: Any) -> HttpResponseRedirect:
        return HttpResponseRedirect(
            reverse("admin:prompts_prompttemplate_new_version", args=[object_id])
        )

    def has_add_version_permission(self, request: HttpRequest, _object_id: Any = None) -> bool:
        """Say whether the action is shown; a dotted name would be looked up in the data base."""
        return request.user.has_perm("prompts.add_promptversion")

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor = actor_of(request)
        texts = {"name": obj.name, "description": obj.description}
        if change:
            prompt_manager.change_template(template=obj, actor=actor, **texts)
            return
        made = prompt_manager.create_template(
            tenant_id=obj.tenant_id, slug=obj.slug, actor=actor, **texts
        )
        # Django goes on with its own object.
        obj.pk, obj.created_at, obj._state = made.pk, made.created_at, made._state

    @override
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        prompt_manager.delete_template(template=obj, actor=actor_of(request))

    @override
    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        for template in queryset:
            self.delete_model(request, template)

    @override
    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        is_plain = "_addanother" not in request.POST and "_popup" not in request.POST
        if is_plain and request.user.has_perm("prompts.add_promptversion"):
            # A template says nothing before it has a version: its first one is the next step.
            address = reverse("admin:prompts_prompttemplate_new_version", args=[obj.pk])
            return HttpResponseRedirect(address)
        return super().response_add(request, obj, post_url_continue)
