"""Shapes of rule sets and rules; each fault is told at its field."""

from collections.abc import Mapping
from typing import Any, override

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.routing.api.serializers import OwnedSerializer, WithTargetsSerializer, models_named
from apps.routing.draft_checks.conditions import check_condition, describe_fault
from apps.routing.draft_checks.settings import setting_faults
from apps.routing.engine.compile_conditions import ConditionFault
from apps.routing.models import Rule, RuleSet, RuleTarget
from apps.routing.rule_records import DEFAULTS
from apps.routing.snapshot import unix_ms_of


class RuleSetSerializer(OwnedSerializer):
    class Meta:
        model = RuleSet
        fields = (
            *("id", "name", "description", "project", "api_key", "is_locked", "is_enabled"),
            "updated_at",
        )
        read_only_fields = ("updated_at",)

    @override
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)

        def value_of(name: str) -> Any:
            return attrs[name] if name in attrs else getattr(self.instance, name, None)

        if value_of("project") and value_of("api_key"):
            text = _("Choose a project or an API key, not both.")
            raise serializers.ValidationError({"api_key": text})
        if value_of("is_locked") and self.owner_id() is not None:
            text = _("Only the platform's rule sets can be locked.")
            raise serializers.ValidationError({"is_locked": text})
        return attrs


class TargetSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(max_length=120)
    weight = serializers.IntegerField(min_value=0, max_value=1_000_000, default=1)


@extend_schema_field(TargetSerializer(many=True))
class WeightedTargetsField(serializers.ListField):
    """Models in order with their weights, kept as rows; a bare name weighs 1."""

    child = TargetSerializer()

    @override
    def to_representation(self, data: Any) -> list[Any]:
        rows = sorted(data.all(), key=lambda row: row.position)
        return [{"model": row.llm_model.name, "weight": row.weight} for row in rows]

    @override
    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list):
            data = [{"model": item} if isinstance(item, str) else item for item in data]
        items = super().to_internal_value(data)
        models = models_named([item["model"] for item in items])
        return [
            {"llm_model": model, "weight": item.get("weight", 1)}
            for model, item in zip(models, items, strict=True)
        ]


class ArmSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    weight = serializers.IntegerField(min_value=0, max_value=100)
    targets = serializers.ListField(child=serializers.CharField(max_length=120))


class RuleSerializer(WithTargetsSerializer):
    targets = WeightedTargetsField(required=False)
    arms = ArmSerializer(many=True, required=False)
    parameters = serializers.DictField(required=False)
    target_model = RuleTarget
    owner_field = "rule"

    class Meta:
        model = Rule
        fields = (
            *("id", "rule_set", "position", "name", "description", "is_enabled", "is_default"),
            *("active_from", "active_until", "conditions", "action", "reject_message", "targets"),
            *("strategy", "price_weight", "affinity", "arms", "unit", "prompt_template"),
            *("max_output_tokens", "cache_seconds", "parameters", "add_tags", "regions"),
            *("data_class", "price_cap", "latency_cap_ms", "allow_unknown"),
            *("first_token_timeout_ms", "total_timeout_ms", "max_attempts", "on_content_filter"),
            "on_unsupported",
        )

    def validate_conditions(self, tree: Any) -> Any:
        try:
            check_condition(tree)
        except ConditionFault as fault:
            raise serializers.ValidationError(describe_fault(fault)) from fault
        return tree

    @override
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        faults: dict[str, str] = {}
        for field, text in setting_faults(_record(attrs, self.instance)):
            faults.setdefault(field, text)
        if faults:
            raise serializers.ValidationError(faults)
        return attrs


def _record(attrs: Mapping[str, Any], stored: Rule | None) -> dict[str, Any]:
    """Return the rule as a release would hold it, as far as its settings go."""

    def value_of(name: str, default: Any = None) -> Any:
        return attrs[name] if name in attrs else getattr(stored, name, default)

    names = ("action", "reject_message", *DEFAULTS)
    targets = attrs.get("targets")
    if targets is None:
        targets = [{"weight": row.weight} for row in stored.targets.all()] if stored else []
    return {
        **{name: value_of(name, DEFAULTS.get(name, "")) for name in names},
        "condition": value_of("conditions", {}),
        "active_from_ms": unix_ms_of(value_of("active_from")),
        "active_until_ms": unix_ms_of(value_of("active_until")),
        "targets": targets,
    }
