"""Conversations in the admin: found and deleted; what was said is for owners, and that is noted."""

from typing import Any, override
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display

from apps.audit.actors import actor_of
from apps.audit.admin import AuditedModelAdmin
from apps.conversations import context_manager
from apps.conversations.models import Conversation
from apps.conversations.selectors import may_read_content, open_turns
from apps.conversations.types import ID_PREFIX
from apps.core.errors import RouterError
from apps.core.ids import parse_public_id, public_id

TURNS_ON_A_PAGE = 200


@admin.register(Conversation)
class ConversationAdmin(AuditedModelAdmin):
    """Server-side histories: written by clients, never here."""

    list_display = ("shown_title", "project", "turn_count", "created_at", "updated_at")
    list_filter = (("updated_at", RangeDateFilter), "project")
    list_filter_submit = True
    list_select_related = ("tenant", "project")
    search_fields = ("title", "id")
    search_help_text = _("Title, or the id that clients use: conv_…")
    fields = ("public_id", "title", "project", "turn_count", "created_at", "updated_at")
    readonly_fields = fields
    actions_detail = ("show_content",)
    empty_list_text = _(
        "Clients that send conversation_id keep their history here, encrypted, in projects that "
        "store content."
    )

    @override
    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.content_view)
        name = "conversations_conversation_content"
        own = path("<uuid:conversation_id>/content/", page, name=name)
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
            row_id = parse_public_id(ID_PREFIX, search_term.strip())
        except ValueError:
            found: tuple[models.QuerySet[Any], bool] = super().get_search_results(
                request, queryset, search_term
            )
            return found
        return queryset.filter(id=row_id), False

    @display(description=_("conversation"), ordering="title")
    def shown_title(self, conversation: Conversation) -> str:
        return str(conversation)

    @display(description=_("id"))
    def public_id(self, conversation: Conversation) -> str:
        return public_id(ID_PREFIX, conversation.id)

    @action(description=_("Show what was said"), url_path="show", icon="visibility")
    def show_content(self, _request: HttpRequest, object_id: Any) -> HttpResponseRedirect:
        return HttpResponseRedirect(
            reverse("admin:conversations_conversation_content", args=[object_id])
        )

    def content_view(self, request: HttpRequest, conversation_id: UUID) -> HttpResponse:
        """Show the turns in clear to who may read content; each look is in the trail."""
        if not may_read_content(request.user):
            raise PermissionDenied
        rows = Conversation.objects.select_related("project")
        conversation: Conversation = get_object_or_404(rows, pk=conversation_id)
        first = max(conversation.turn_count - TURNS_ON_A_PAGE, 0)
        context_manager.note_reading(conversation=conversation, actor=actor_of(request))
        context = {
            **self.admin_site.each_context(request),
            "title": str(conversation),
            "opts": self.opts,
            "conversation": conversation,
            "turns": open_turns(conversation, first=first, limit=TURNS_ON_A_PAGE),
            "left_out": first,
        }
        return TemplateResponse(request, "conversations/content.html", context)

    @override
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        context_manager.delete_conversation(conversation=obj, actor=actor_of(request))

    @override
    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        for conversation in queryset:
            self.delete_model(request, conversation)

    @override
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            answer: HttpResponse = super().delete_view(request, object_id, extra_context)
        except RouterError as error:
            messages.error(request, error.message)
            address = reverse("admin:conversations_conversation_change", args=[object_id])
            return HttpResponseRedirect(address)
        return answer
