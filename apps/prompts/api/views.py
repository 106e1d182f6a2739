"""`prompts/`: templates, their versions, what is live, previews."""

from typing import Any, override

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from apps.audit.actors import actor_of
from apps.audit.api import ManagedViewSet
from apps.prompts import prompt_manager
from apps.prompts.api.serializers import (
    PreviewSerializer,
    PromptTemplateChangeSerializer,
    PromptTemplateSerializer,
    PromptVersionSchema,
    PromptVersionSerializer,
    ReasonSerializer,
    RenderedSchema,
)
from apps.prompts.models import PromptTemplate, PromptVersion
from apps.prompts.prompt_engine import render


class PromptTemplateViewSet(ManagedViewSet):
    """Prompt templates; a version that was made live is used from the next publish on."""

    model = PromptTemplate
    scope = "prompts"
    serializer_class = PromptTemplateSerializer
    search_fields = ("name", "slug", "description")
    ordering_fields = ("name", "slug", "created_at")
    action_permissions = {
        "versions": "prompts.view_promptversion",
        "version": "prompts.view_promptversion",
        "create_version": "prompts.add_promptversion",
        "make_live": "prompts.change_prompttemplate",
        "roll_back": "prompts.change_prompttemplate",
        "preview": "prompts.view_promptversion",
    }

    @override
    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("live_version")

    @override
    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        is_change = self.action in ("update", "partial_update")
        return PromptTemplateChangeSerializer if is_change else PromptTemplateSerializer

    @override
    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        serializer.instance = prompt_manager.create_template(
            **self.owner(), **serializer.validated_data, actor=actor_of(self.request)
        )

    @override
    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        template: PromptTemplate = self.get_object()
        texts = {"name": template.name, "description": template.description}
        serializer.instance = prompt_manager.change_template(
            template=template,
            actor=actor_of(self.request),
            **{**texts, **serializer.validated_data},
        )

    @override
    def perform_destroy(self, instance: Any) -> None:
        prompt_manager.delete_template(template=instance, actor=actor_of(self.request))

    @extend_schema(responses=PromptVersionSchema(many=True))
    @action(detail=True, methods=["get"])
    def versions(self, _request: Request, **_path: Any) -> Response:
        """List the versions of a template, newest first."""
        rows = _versions(self.get_object()).order_by("-number")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(PromptVersionSerializer(page, many=True).data)

    @extend_schema(request=PromptVersionSchema, responses={201: PromptVersionSchema})
    @versions.mapping.post
    def create_version(self, request: Request, **_path: Any) -> Response:
        """Add the next version. It is not live yet."""
        body = PromptVersionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        version = prompt_manager.create_version(
            template=self.get_object(), actor=actor_of(request), **body.validated_data
        )
        return Response(PromptVersionSerializer(version).data, status=201)

    @extend_schema(responses=PromptVersionSchema)
    @action(detail=True, methods=["get"], url_path=r"versions/(?P<number>\d+)")
    def version(self, _request: Request, number: str, **_path: Any) -> Response:
        """Read one version."""
        return Response(PromptVersionSerializer(self._version(number)).data)

    @extend_schema(request=ReasonSerializer, responses=PromptTemplateSerializer)
    @action(detail=True, methods=["post"], url_path=r"versions/(?P<number>\d+)/make-live")
    def make_live(self, request: Request, number: str, **_path: Any) -> Response:
        """Make a version the live one; requests get it after the tenant's next publish."""
        template = prompt_manager.make_live(
            version=self._version(number), actor=actor_of(request), reason=_reason(request)
        )
        return Response(PromptTemplateSerializer(template).data)

    @extend_schema(request=ReasonSerializer, responses=PromptTemplateSerializer)
    @action(detail=True, methods=["post"], url_path="roll-back")
    def roll_back(self, request: Request, **_path: Any) -> Response:
        """Make the version before the live one live."""
        prompt_manager.roll_back(
            template=self.get_object(), actor=actor_of(request), reason=_reason(request)
        )
        return Response(PromptTemplateSerializer(self.get_object()).data)

    @extend_schema(request=PreviewSerializer, responses=RenderedSchema)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, **_path: Any) -> Response:
        """Render a saved version, or one that is not saved yet, with sample values."""
        template = self.get_object()
        body = PreviewSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        named = {name: body.validated_data.get(name) for name in ("messages", "variables")}
        if "version" in body.validated_data:
            version = self._version(body.validated_data["version"])
            named = {"messages": version.messages, "variables": version.variables}
        prompt = prompt_manager.check_version(slug=template.slug, **named)
        rendered = render(prompt, body.validated_data["values"])
        return Response({"messages": [{"role": m.role, "text": m.text} for m in rendered]})

    def _version(self, number: Any) -> PromptVersion:
        version: PromptVersion = get_object_or_404(_versions(self.get_object()), number=number)
        return version


def _versions(template: PromptTemplate) -> QuerySet[PromptVersion]:
    rows: QuerySet[PromptVersion] = template.versions.select_related("template")
    return rows


def _reason(request: Request) -> str:
    body = ReasonSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    reason: str = body.validated_data["reason"]
    return reason
