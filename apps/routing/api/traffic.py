"""`traffic/`: switch deployments on, drain or switch them off, at once."""

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit.actors import actor_of
from apps.audit.api.base import ScopedViewMixin
from apps.core.errors import AccessDenied, InvalidRequest
from apps.core.scoping import current_scope
from apps.providers.enums import Traffic
from apps.providers.models import Deployment
from apps.routing.api.serializers import PublicationSerializer
from apps.routing.traffic import TABLES, is_the_platforms, rows_of, switch_traffic


class SwitchSerializer(serializers.Serializer[None]):
    kind = serializers.ChoiceField(choices=list(TABLES), default="deployment")
    ids = serializers.ListField(child=serializers.UUIDField(), allow_empty=False, max_length=100)
    traffic = serializers.ChoiceField(choices=Traffic.choices)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class TrafficViewSet(ScopedViewMixin):
    """The switches: they hold from the next request on, whatever the draft says."""

    model = Deployment
    serializer_class = SwitchSerializer
    action_permissions: ClassVar[dict[str, str]] = {"create": "providers.change_deployment"}

    @extend_schema(request=SwitchSerializer, responses=PublicationSerializer(many=True))
    def create(self, request: Request) -> Response:
        """Turn the switches; answers with the releases that were published again."""
        asked = SwitchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        rows = self._rows(values["kind"], values["ids"])
        done = switch_traffic(
            kind=values["kind"],
            rows=rows,
            traffic=values["traffic"],
            actor=actor_of(request),
            reason=values["reason"],
        )
        return Response(PublicationSerializer(done, many=True).data)

    def _rows(self, kind: str, ids: list[Any]) -> list[Any]:
        rows = rows_of(kind, ids)
        if len(rows) < len(set(ids)):
            raise InvalidRequest(_("Some of these are not there."), param="ids")
        if is_the_platforms(kind, rows) and not current_scope().is_platform:
            raise AccessDenied(_("Only platform staff may switch what is the platform's."))
        for row in rows:
            self.check_object_permissions(self.request, row)
        return rows
