"""Prompt templates, their versions and previews as JSON."""

from typing import Any, override

from rest_framework import serializers

from apps.prompts.models import PromptTemplate, PromptVersion
from apps.prompts.prompt_engine import ROLES
from apps.prompts.variables import TYPES


def no_variables() -> Any:
    """The default of `variables`: a list, which the stubs of JSONField do not foresee."""
    return []


class PromptTemplateSerializer(serializers.ModelSerializer[PromptTemplate]):
    """A template; `live_version` is the number that the next publish takes."""

    live_version = serializers.IntegerField(
        source="live_version.number", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = PromptTemplate
        fields = ("id", "slug", "name", "description", "live_version", "created_at")
        read_only_fields: tuple[str, ...] = ("id", "created_at")


class PromptTemplateChangeSerializer(PromptTemplateSerializer):
    """What may change later: the short name may not, clients and rules call it."""

    class Meta(PromptTemplateSerializer.Meta):
        read_only_fields = ("id", "slug", "created_at")


class PromptMessageSchema(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=ROLES)
    text = serializers.CharField(trim_whitespace=False)


class PromptVariableSchema(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=TYPES, default="text")

    @override
    def get_fields(self) -> dict[str, Any]:
        # Both are names of arguments that every field has, so they cannot be attributes.
        required = serializers.BooleanField(default=True)
        return {
            **super().get_fields(),
            "required": required,
            "default": serializers.JSONField(required=False),
        }


class PromptVersionSchema(serializers.Serializer[Any]):
    """For the OpenAPI document; what is written is checked by the Prompt Engine."""

    number = serializers.IntegerField(read_only=True)
    messages = PromptMessageSchema(many=True)
    variables = PromptVariableSchema(many=True, required=False)
    comment = serializers.CharField(required=False)
    author_label = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    is_live = serializers.BooleanField(read_only=True)


class PromptVersionSerializer(serializers.ModelSerializer[PromptVersion]):
    """A saved version; `messages` and `variables` are checked by the Prompt Engine."""

    messages = serializers.JSONField()
    variables = serializers.JSONField(default=no_variables)
    is_live = serializers.SerializerMethodField()

    class Meta:
        model = PromptVersion
        fields = (
            "number",
            "messages",
            "variables",
            "comment",
            "author_label",
            "created_at",
            "is_live",
        )
        read_only_fields = ("number", "author_label", "created_at")

    def get_is_live(self, version: PromptVersion) -> bool:
        return version.pk == version.template.live_version_id


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, default="", max_length=300, allow_blank=True)


class PreviewSerializer(serializers.Serializer[Any]):
    """A saved version by number, or messages and variables that are not saved yet."""

    version = serializers.IntegerField(required=False, min_value=1)
    messages = serializers.JSONField(required=False)
    variables = serializers.JSONField(required=False, default=no_variables)
    values = serializers.DictField(required=False, default=dict)


class RenderedSchema(serializers.Serializer[Any]):
    messages = PromptMessageSchema(many=True)
