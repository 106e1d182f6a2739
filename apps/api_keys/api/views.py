"""`keys/`: create (the secret comes back once), change, revoke."""

from typing import Any, override

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api_keys.api.serializers import ApiKeySerializer, CreatedApiKeySerializer
from apps.api_keys.models import ApiKey
from apps.api_keys.services import create_key, revoke_key
from apps.audit.actors import actor_of
from apps.audit.api import ManagedViewSet


class ApiKeyViewSet(ManagedViewSet):
    """The tenant's API keys. They are revoked, never deleted: the books name them."""

    model = ApiKey
    serializer_class = ApiKeySerializer
    search_fields = ("name", "lookup")
    ordering_fields = ("name", "created_at")
    http_method_names = ["get", "post", "patch", "head", "options"]

    @extend_schema(responses={201: CreatedApiKeySerializer})
    @override
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        created = create_key(actor=actor_of(request), **serializer.validated_data)
        shown = CreatedApiKeySerializer(created.row, context={"clear": created.clear})
        return Response(shown.data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=ApiKeySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, **_kwargs: str) -> Response:
        """End a key for good."""
        row = revoke_key(row=self.get_object(), actor=actor_of(request))
        return Response(self.get_serializer(row).data)
