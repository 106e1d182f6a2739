"""Stored responses in the admin: who asked what model when, and what was said for who may read."""

from typing import Any, override

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display

from apps.audit.types import Actor
from apps.conversations import stored_responses
from apps.conversations.admin.histories import HistoryAdmin
from apps.conversations.models import StoredResponse
from apps.conversations.response_rows import ID_PREFIX, SEALED, open_turns
from apps.core.ids import public_id
from apps.core.turn_records import turn_record


@admin.register(StoredResponse)
class StoredResponseAdmin(HistoryAdmin):
    """Responses that clients can read again and continue."""

    id_prefix = ID_PREFIX
    content_template = "conversations/stored_response.html"
    list_display = (
        *("public_id", "project", "key_name", "user", "llm_model", "status", "created_at"),
    )
    list_filter = (("created_at", RangeDateFilter), "project", "status")
    search_fields = ("key_name", "user", "llm_model", "id")
    search_help_text = _("API key, user, model, or the id that clients use: resp_…")
    fields = (
        *("public_id", "previous", "project", "key_name", "user", "llm_model", "status"),
        *("position", "created_at"),
    )
    readonly_fields = fields
    empty_list_text = _(
        "Answers of the Responses API are kept here for 30 days of silence, encrypted, in projects "
        "that store content."
    )

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[StoredResponse]:
        # A page of the list shows labels; what was said may be megabytes a row.
        rows: QuerySet[StoredResponse] = super().get_queryset(request)
        return rows.defer(*SEALED)

    @display(description=_("previous response"))
    def previous(self, response: StoredResponse) -> str:
        return public_id(ID_PREFIX, response.previous_id) if response.previous_id else ""

    @override
    def content_of(self, row: StoredResponse) -> dict[str, Any]:
        return {"response": row, "turns": list(map(turn_record, open_turns(row)))}

    @override
    def note_reading(self, row: StoredResponse, actor: Actor) -> None:
        stored_responses.note_reading(response=row, actor=actor)

    @override
    def delete_row(self, row: StoredResponse, actor: Actor) -> None:
        stored_responses.delete_response(response=row, actor=actor)
