"""Shapes of aliases, grants, calendars and releases, and what they share with rules."""

from typing import Any, override
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework import serializers

from apps.core.clock import utc_now
from apps.core.scoping import scope_defaults
from apps.providers.models import LlmModel
from apps.routing.calendars import place_faults
from apps.routing.models import (
    AliasTarget,
    Grant,
    HolidayCalendar,
    ModelAlias,
    Release,
    RuleTarget,
)
from apps.routing.snapshot import calendar_dates


class TargetsField(serializers.ListField):
    """Names of models in order, kept as rows."""

    child = serializers.CharField()

    @override
    def to_representation(self, data: Any) -> list[Any]:
        rows = sorted(data.all(), key=lambda row: row.position)
        return [row.llm_model.name for row in rows]

    @override
    def to_internal_value(self, data: Any) -> list[Any]:
        return [{"llm_model": model} for model in models_named(super().to_internal_value(data))]


def models_named(names: list[str]) -> list[LlmModel]:
    """Return the models in the order of their names; raises ValidationError for an unknown one."""
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
        owner = self.owner_id()
        for name, value in attrs.items():
            if getattr(value, "tenant_id", owner) != owner:
                raise serializers.ValidationError({name: _("This belongs to someone else.")})
        return attrs

    def owner_id(self) -> UUID | None:
        """Return the tenant of the row, or of the one to be made (None: the platform)."""
        if self.instance is None:
            return scope_defaults().get("tenant_id")
        owner: UUID | None = self.instance.tenant_id
        return owner


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

    def _write_targets(self, obj: Any, targets: list[dict[str, Any]]) -> None:
        for position, target in enumerate(targets):
            owner = {self.owner_field: obj, "tenant_id": obj.tenant_id}
            self.target_model.objects.create(position=position, **target, **owner)


class ModelAliasSerializer(WithTargetsSerializer):
    targets = TargetsField()
    target_model = AliasTarget
    owner_field = "alias"

    class Meta:
        model = ModelAlias
        fields = ("id", "name", "targets")


class HolidayCalendarSerializer(OwnedSerializer):
    dates = serializers.SerializerMethodField(help_text="The days that a publish would write.")
    is_platform = serializers.SerializerMethodField()

    class Meta:
        model = HolidayCalendar
        fields = (
            *("id", "name", "country", "subdivision", "extra_dates", "removed_dates", "dates"),
            "is_platform",
        )

    def get_dates(self, calendar: HolidayCalendar) -> list[str]:
        return calendar_dates(calendar, utc_now().date())

    def get_is_platform(self, calendar: HolidayCalendar) -> bool:
        return calendar.tenant_id is None

    @override
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        codes = (
            attrs.get(name, getattr(self.instance, name, "")) for name in ("country", "subdivision")
        )
        if faults := place_faults(*codes):
            raise serializers.ValidationError(faults)
        return attrs


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
