"""Shapes of rule sets, rules, aliases and releases."""

from typing import Any, override

from django.utils.translation import gettext as _
from rest_framework import serializers

from apps.core.scoping import scope_defaults
from apps.providers.models import LlmModel
from apps.routing.engine.compile import ConditionFault, compile_condition
from apps.routing.models import AliasTarget, Grant, ModelAlias, Release, Rule, RuleSet, RuleTarget
from apps.routing.validation import describe_fault


class TargetsField(serializers.ListField):
    """Names of models in order, kept as rows."""

    child = serializers.CharField()

    @override
    def to_representation(self, data: Any) -> list[str]:
        rows = sorted(data.all(), key=lambda row: row.position)
        return [row.llm_model.name for row in rows]

    @override
    def to_internal_value(self, data: Any) -> list[LlmModel]:
        names = super().to_internal_value(data)
        models = {model.name: model for model in LlmModel.objects.filter(name__in=names)}
        for name in names:
            if name not in models:
                text = _("There is no model “%(name)s” in the catalogue.") % {"name": name}
                raise serializers.ValidationError(text)
        return [models[name] for name in names]


class OwnedSerializer(serializers.ModelSerializer[Any]):
    """Refuses references to rows of another owner, the platform's included."""

    @override
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.instance is None:
            owner = scope_defaults().get("tenant_id")
        else:
            owner = self.instance.tenant_id
        for name, value in attrs.items():
            if getattr(value, "tenant_id", owner) != owner:
                raise serializers.ValidationError({name: _("This belongs to someone else.")})
        return attrs


class WithTargetsSerializer(OwnedSerializer):
    """Writes the rows behind `targets` together with their owner."""

    target_model: type[RuleTarget | AliasTarget]
    owner_field: str

    @override
    def create(self, validated_data: dict[str, Any]) -> Any:
        targets = validated_data.pop("targets", [])
        obj = super().create(validated_data)
        self._write_targets(obj, targets)
        return obj

    @override
    def update(self, instance: Any, validated_data: dict[str, Any]) -> Any:
        targets = validated_data.pop("targets", None)
        obj = super().update(instance, validated_data)
        if targets is not None:
            obj.targets.all().delete()
            self._write_targets(obj, targets)
        return obj

    def _write_targets(self, obj: Any, targets: list[LlmModel]) -> None:
        for position, model in enumerate(targets):
            owner = {self.owner_field: obj, "tenant_id": obj.tenant_id}
            self.target_model.objects.create(llm_model=model, position=position, **owner)


class RuleSetSerializer(OwnedSerializer):
    class Meta:
        model = RuleSet
        fields = ("id", "name", "description", "project", "is_enabled", "updated_at")
        read_only_fields = ("updated_at",)


class RuleSerializer(WithTargetsSerializer):
    targets = TargetsField(required=False)
    target_model = RuleTarget
    owner_field = "rule"

    class Meta:
        model = Rule
        fields = (
            *("id", "rule_set", "position", "name", "description", "is_enabled", "conditions"),
            *("action", "reject_message", "prompt_template", "max_output_tokens"),
            *("cache_seconds", "targets"),
        )

    def validate_conditions(self, tree: Any) -> Any:
        try:
            compile_condition(tree)
        except ConditionFault as fault:
            raise serializers.ValidationError(describe_fault(fault)) from fault
        return tree


class ModelAliasSerializer(WithTargetsSerializer):
    targets = TargetsField()
    target_model = AliasTarget
    owner_field = "alias"

    class Meta:
        model = ModelAlias
        fields = ("id", "name", "targets")


class GrantSerializer(serializers.ModelSerializer[Grant]):
    model = serializers.CharField(source="llm_model.name", read_only=True)

    class Meta:
        model = Grant
        fields = ("id", "model")


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    class Meta:
        model = Release
        fields = ("id", "version", "state", "comment", "published_by", "published_at")


class PublishSerializer(serializers.Serializer[None]):
    comment = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class PublicationSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    acknowledged = serializers.ListField(child=serializers.CharField())
    late = serializers.ListField(child=serializers.CharField())
    milliseconds = serializers.IntegerField()


class ProblemSerializer(serializers.Serializer[Any]):
    severity = serializers.CharField()
    subject = serializers.CharField()
    field = serializers.CharField()
    message = serializers.CharField()
