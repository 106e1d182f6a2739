"""Conversations as JSON."""

from typing import Any

from rest_framework import serializers

from apps.conversations.models import Conversation
from apps.conversations.types import ID_PREFIX
from apps.core.ids import public_id


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    """A conversation without what was said."""

    id = serializers.SerializerMethodField()
    project = serializers.CharField(source="project.slug", read_only=True)

    class Meta:
        model = Conversation
        fields: tuple[str, ...] = (
            "id",
            "title",
            "project",
            "turn_count",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_id(self, conversation: Conversation) -> str:
        return public_id(ID_PREFIX, conversation.id)


class TurnSchema(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    role = serializers.CharField()
    content = serializers.CharField(source="text")
    parts = serializers.ListField(child=serializers.DictField())
    tokens = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class ConversationDetailSchema(ConversationSerializer):
    """A conversation with up to 200 turns; `next_position` asks for what follows them."""

    turns = TurnSchema(many=True)
    next_position = serializers.IntegerField(allow_null=True)

    class Meta(ConversationSerializer.Meta):
        fields = (*ConversationSerializer.Meta.fields, "turns", "next_position")
        read_only_fields = fields
