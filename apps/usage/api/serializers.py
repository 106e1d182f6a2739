"""Shapes of usage reports and of the request log."""

from typing import Any, override

from rest_framework import serializers

from apps.core.ids import public_id
from apps.core.money import format_usd
from apps.usage.models import RequestLog
from apps.usage.selectors import Group, Measures


class MeasuresSerializer(serializers.Serializer[Measures]):
    requests = serializers.IntegerField()
    error_percent = serializers.FloatField()
    cost_micro_usd = serializers.IntegerField(source="cost")
    cost_usd = serializers.SerializerMethodField()
    p95_ms = serializers.IntegerField()
    cache_hits = serializers.IntegerField()
    cache_percent = serializers.FloatField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()

    @override
    def get_fields(self) -> dict[str, Any]:
        # "errors" is a property of every serializer, so it cannot be declared as an attribute.
        return {**super().get_fields(), "errors": serializers.IntegerField()}

    def get_cost_usd(self, measures: Measures) -> str:
        return format_usd(measures.cost)


class GroupSerializer(serializers.Serializer[Group]):
    group = serializers.CharField(source="label")
    measures = MeasuresSerializer()


class UsageSerializer(serializers.Serializer[dict[str, Any]]):
    to = serializers.DateField()
    group_by = serializers.CharField()
    totals = MeasuresSerializer()
    groups = GroupSerializer(many=True)

    @override
    def get_fields(self) -> dict[str, Any]:
        # "from" is a word of the language, so it cannot be an attribute.
        return {"from": serializers.DateField(), **super().get_fields()}


class RequestSerializer(serializers.ModelSerializer[RequestLog]):
    id = serializers.SerializerMethodField()

    class Meta:
        model = RequestLog
        fields: tuple[str, ...] = (
            *("id", "at", "door", "project", "key", "requested_model", "model", "provider"),
            *("rule", "tags", "status", "error_code", "http_status", "cache", "is_streamed"),
            *("input_tokens", "output_tokens", "cost", "is_estimated", "ttft_ms", "total_ms"),
        )

    def get_id(self, row: RequestLog) -> str:
        return public_id("req", row.id)


class RequestDetailSerializer(RequestSerializer):
    class Meta(RequestSerializer.Meta):
        fields = (
            *RequestSerializer.Meta.fields,
            *("conversation_id", "prompt_template", "platform_version", "tenant_version"),
            *("trace", "attempts"),
        )
