"""`conversations/`: list, read, delete. They are written by `conversation_id` of requests."""

from typing import Any, override

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.mixins import DestroyModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api_keys.types import Caller
from apps.audit.actors import actor_of
from apps.audit.api import ReadOnlyManagedViewSet
from apps.conversations import context_manager
from apps.conversations.api.serializers import (
    ConversationDetailSchema,
    ConversationSerializer,
    TurnSchema,
)
from apps.conversations.models import Conversation
from apps.conversations.selectors import may_read_content, open_turns
from apps.conversations.types import ID_PREFIX
from apps.core.errors import InvalidRequest, NotFound
from apps.core.ids import parse_public_id

TURNS_PER_PAGE = 200
FROM_POSITION = "from_position"


class ConversationViewSet(DestroyModelMixin, ReadOnlyManagedViewSet):
    """A key's own project's conversations; an owner's tenant's."""

    model = Conversation
    scope = "conversations"
    serializer_class = ConversationSerializer
    search_fields = ("title",)
    ordering_fields = ("updated_at", "created_at", "turn_count")
    lookup_value_regex = "[^/]+"

    @override
    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset().select_related("project")
        caller = self.request.auth if getattr(self, "request", None) else None
        return rows.filter(project_id=caller.project_id) if isinstance(caller, Caller) else rows

    @override
    def get_object(self) -> Any:
        try:
            self.kwargs["pk"] = parse_public_id(ID_PREFIX, str(self.kwargs["pk"]))
        except ValueError as error:
            raise NotFound("there is no such conversation in this project") from error
        return super().get_object()

    @extend_schema(
        responses=ConversationDetailSchema,
        parameters=[OpenApiParameter(FROM_POSITION, int, description="The first turn to return.")],
    )
    @override
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Read a conversation with its turns; a person's look is in the audit trail."""
        conversation = self.get_object()
        self._note_reader(request, conversation)
        turns = open_turns(conversation, first=_from_position(request), limit=TURNS_PER_PAGE)
        following = turns[-1].position + 1 if turns else conversation.turn_count
        body = {
            **ConversationSerializer(conversation).data,
            "turns": TurnSchema(turns, many=True).data,
            "next_position": following if following < conversation.turn_count else None,
        }
        return Response(body)

    @override
    def perform_destroy(self, instance: Any) -> None:
        context_manager.delete_conversation(conversation=instance, actor=actor_of(self.request))

    def _note_reader(self, request: Request, conversation: Conversation) -> None:
        if isinstance(request.auth, Caller):
            return
        if not may_read_content(request.user):
            raise PermissionDenied
        context_manager.note_reading(conversation=conversation, actor=actor_of(request))


def _from_position(request: Request) -> int:
    text = request.query_params.get(FROM_POSITION, "0")
    if not text.isdecimal() or len(text) > 9:
        raise InvalidRequest(f"{FROM_POSITION} is a whole number", param=FROM_POSITION)
    return int(text)
