"""Conversations in the admin."""

from typing import Any, override

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display

from apps.audit.types import Actor
from apps.conversations import context_manager
from apps.conversations.admin.histories import HistoryAdmin
from apps.conversations.models import Conversation
from apps.conversations.selectors import open_turns
from apps.conversations.types import ID_PREFIX

TURNS_ON_A_PAGE = 200


@admin.register(Conversation)
class ConversationAdmin(HistoryAdmin):
    """Server-side histories."""

    id_prefix = ID_PREFIX
    content_template = "conversations/content.html"
    list_display = ("shown_title", "project", "turn_count", "created_at", "updated_at")
    list_filter = (("updated_at", RangeDateFilter), "project")
    search_fields = ("title", "id")
    search_help_text = _("Title, or the id that clients use: conv_…")
    fields = ("public_id", "title", "project", "turn_count", "created_at", "updated_at")
    readonly_fields = fields
    empty_list_text = _(
        "Clients that send conversation_id keep their history here, encrypted, in projects that "
        "store content."
    )

    @display(description=_("conversation"), ordering="title")
    def shown_title(self, conversation: Conversation) -> str:
        return str(conversation)

    @override
    def content_of(self, row: Conversation) -> dict[str, Any]:
        first = max(row.turn_count - TURNS_ON_A_PAGE, 0)
        turns = open_turns(row, first=first, limit=TURNS_ON_A_PAGE)
        return {"conversation": row, "turns": turns, "left_out": first}

    @override
    def note_reading(self, row: Conversation, actor: Actor) -> None:
        context_manager.note_reading(conversation=row, actor=actor)

    @override
    def delete_row(self, row: Conversation, actor: Actor) -> None:
        context_manager.delete_conversation(conversation=row, actor=actor)
