"""What clients leave here, in the admin: found and deleted; content is for owners, and noted."""

from abc import abstractmethod
from typing import Any, ClassVar, override
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from apps.audit.actors import actor_of
from apps.audit.admin import AuditedModelAdmin
from apps.audit.types import Actor
from apps.conversations.selectors import may_read_content
from apps.core.errors import RouterError
from apps.core.ids import parse_public_id, public_id


class HistoryAdmin(AuditedModelAdmin):
    """Rows with sealed content: written by clients, never here."""

    id_prefix: ClassVar[str]
    content_template: ClassVar[str]
    list_filter_submit = True
    list_select_related = ("tenant", "project")
    actions_detail = ("show_content",)

    @abstractmethod
    def content_of(self, row: Any) -> dict[str, Any]:
        """Return what the template of the content shows of a row, in clear."""

    @abstractmethod
    def note_reading(self, row: Any, actor: Actor) -> None:
        """Write into the trail that a person reads it."""

    @abstractmethod
    def delete_row(self, row: Any, actor: Actor) -> None:
        """Delete a row with its copies."""

    @override
    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.content_view)
        own = path("<uuid:row_id>/content/", page, name=self._name_of("content"))
        return [own, *super().get_urls()]

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        try:
            row_id = parse_public_id(self.id_prefix, search_term.strip())
        except ValueError:
            found: tuple[models.QuerySet[Any], bool] = super().get_search_results(
                request, queryset, search_term
            )
            return found
        return queryset.filter(id=row_id), False

    @display(description=_("id"))
    def public_id(self, row: Any) -> str:
        return public_id(self.id_prefix, row.id)

    @action(description=_("Show what was said"), url_path="show", icon="visibility")
    def show_content(self, _request: HttpRequest, object_id: Any) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse(f"admin:{self._name_of('content')}", args=[object_id]))

    def content_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """Show the turns in clear to who may read content; each look is in the trail."""
        if not may_read_content(request.user):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related("project")
        row = get_object_or_404(rows, pk=row_id)
        self.note_reading(row, actor_of(request))
        context = {
            **self.admin_site.each_context(request),
            "title": str(row),
            "opts": self.opts,
            **self.content_of(row),
        }
        return TemplateResponse(request, self.content_template, context)

    @override
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete_row(obj, actor_of(request))

    @override
    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    @override
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            answer: HttpResponse = super().delete_view(request, object_id, extra_context)
        except RouterError as error:
            messages.error(request, error.message)
            address = reverse(f"admin:{self._name_of('change')}", args=[object_id])
            return HttpResponseRedirect(address)
        return answer

    def _name_of(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"
