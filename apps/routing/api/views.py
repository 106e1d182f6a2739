"""`rule-sets/ rules/ aliases/ calendars/ grants/ releases/`: the draft, and what was published."""

from collections.abc import Mapping
from typing import Any, ClassVar, override

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from apps.accounts.roles import PUBLISH_RELEASE
from apps.audit.actors import actor_of
from apps.audit.api import ManagedViewSet, ReadOnlyManagedViewSet
from apps.core.scoping import current_scope
from apps.routing import route_manager
from apps.routing.api.rule_serializers import RuleSerializer, RuleSetSerializer
from apps.routing.api.serializers import (
    GrantSerializer,
    HolidayCalendarSerializer,
    ModelAliasSerializer,
    ProblemSerializer,
    PublicationSerializer,
    PublishSerializer,
    ReleaseSerializer,
)
from apps.routing.models import Grant, HolidayCalendar, ModelAlias, Release, Rule, RuleSet


class RuleSetViewSet(ManagedViewSet):
    """Groups of rules of the draft."""

    model = RuleSet
    serializer_class = RuleSetSerializer
    search_fields = ("name",)
    ordering_fields = ("name", "updated_at")


class TargetsViewSet(ManagedViewSet):
    """Rows with targets, which are in the trail although they are rows of their own."""

    @override
    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().prefetch_related("targets__llm_model")

    @override
    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        before = _target_names(serializer.instance)
        super().perform_update(serializer)
        after = _target_names(serializer.instance)
        if before != after:
            self.record("updated", serializer.instance, {"targets": [before, after]})

    @override
    def record(self, verb: str, obj: Any, changes: Mapping[str, Any]) -> None:
        whole = {} if verb == "updated" else {"targets": _target_names(obj)}
        super().record(verb, obj, {**changes, **whole})


class RuleViewSet(TargetsViewSet):
    """Rules of the draft; they run after a publish."""

    model = Rule
    serializer_class = RuleSerializer
    search_fields = ("name", "description")
    ordering_fields = ("position", "name")


class ModelAliasViewSet(TargetsViewSet):
    """The tenant's own names for models."""

    model = ModelAlias
    serializer_class = ModelAliasSerializer
    search_fields = ("name",)
    ordering_fields = ("name",)


class HolidayCalendarViewSet(ManagedViewSet):
    """Days that rules call holidays; the platform's calendars are to read."""

    model = HolidayCalendar
    serializer_class = HolidayCalendarSerializer
    search_fields = ("name", "country")
    ordering_fields = ("name",)


class GrantViewSet(ReadOnlyManagedViewSet):
    """Which of the platform's models the tenant may use."""

    model = Grant
    serializer_class = GrantSerializer
    search_fields = ("llm_model__name",)
    ordering_fields = ("llm_model__name",)

    @override
    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("llm_model").order_by("llm_model__name")


class ReleaseViewSet(ReadOnlyManagedViewSet):
    """What was published; publish the draft, or go back to a release."""

    model = Release
    serializer_class = ReleaseSerializer
    search_fields = ("comment",)
    ordering_fields = ("version",)
    action_permissions: ClassVar[dict[str, str]] = {
        "publish": PUBLISH_RELEASE,
        "roll_back": PUBLISH_RELEASE,
        "problems": "routing.view_release",
    }

    @override
    def get_queryset(self) -> QuerySet[Any]:
        """Return a tenant's own line of versions; the platform's has the same numbers."""
        rows = super().get_queryset()
        own = getattr(self, "swagger_fake_view", False) or current_scope().is_platform
        return rows if own else rows.filter(tenant__isnull=False)

    @extend_schema(responses=ProblemSerializer(many=True))
    @action(detail=False, methods=["get"], pagination_class=None)
    def problems(self, _request: Request) -> Response:
        """Errors and warnings of the draft."""
        found = route_manager.validate(current_scope().tenant_id)
        return Response(ProblemSerializer(found, many=True).data)

    @extend_schema(request=PublishSerializer, responses=PublicationSerializer)
    @action(detail=False, methods=["post"])
    def publish(self, request: Request) -> Response:
        """Make the draft live; answers when every worker has it, or after a second."""
        done = route_manager.publish(
            tenant_id=current_scope().tenant_id,
            actor=actor_of(request),
            comment=_comment(request.data),
        )
        return Response(PublicationSerializer(done).data)

    @extend_schema(request=PublishSerializer, responses=PublicationSerializer)
    @action(detail=True, methods=["post"], url_path="roll-back")
    def roll_back(self, request: Request, **_kwargs: str) -> Response:
        """Publish this release again, as a new version."""
        done = route_manager.roll_back(
            release=self.get_object(), actor=actor_of(request), reason=_comment(request.data)
        )
        return Response(PublicationSerializer(done).data)


def _target_names(obj: Any) -> list[str]:
    return list(obj.targets.order_by("position").values_list("llm_model__name", flat=True))


def _comment(data: Any) -> str:
    serializer = PublishSerializer(data=data)
    serializer.is_valid(raise_exception=True)
    return str(serializer.validated_data["comment"])
