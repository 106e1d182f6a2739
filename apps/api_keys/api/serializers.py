"""Shapes of API keys: the secret leaves once, in the answer to its creation."""

from typing import Any

from rest_framework import serializers

from apps.api_keys.enums import Scope
from apps.api_keys.models import ApiKey


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), required=False, allow_empty=False
    )
    prefix = serializers.SerializerMethodField()

    class Meta:
        model = ApiKey
        fields: tuple[str, ...] = (
            *("id", "name", "project", "prefix", "scopes", "tags", "allowed_models"),
            *("requests_per_minute", "monthly_budget", "expires_at", "revoked_at", "created_at"),
        )
        read_only_fields = ("revoked_at", "created_at")

    def get_prefix(self, row: ApiKey) -> str:
        return f"llmr_{row.lookup}_"


class CreatedApiKeySerializer(ApiKeySerializer):
    secret = serializers.SerializerMethodField(help_text="The whole key; shown this once.")

    class Meta(ApiKeySerializer.Meta):
        fields = (*ApiKeySerializer.Meta.fields, "secret")

    def get_secret(self, _row: ApiKey) -> Any:
        return self.context["clear"]
