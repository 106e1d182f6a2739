"""`providers/`, `models/`, `prices/`, `credentials/`, `deployments/`."""

from typing import Any, override

from django.db.models import QuerySet

from apps.audit.api import ManagedViewSet, ReadOnlyManagedViewSet
from apps.providers.api.serializers import (
    CredentialSerializer,
    DeploymentSerializer,
    LlmModelSerializer,
    PriceSerializer,
    ProviderSerializer,
)
from apps.providers.models import Credential, Deployment, LlmModel, Price, Provider


class ProviderViewSet(ReadOnlyManagedViewSet):
    """The vendors and servers that the platform knows."""

    model = Provider
    serializer_class = ProviderSerializer
    search_fields = ("name", "slug")
    ordering_fields = ("name", "slug")


class LlmModelViewSet(ReadOnlyManagedViewSet):
    """The catalogue of LLM models, found by name."""

    model = LlmModel
    serializer_class = LlmModelSerializer
    search_fields = ("name", "provider__slug")
    ordering_fields = ("name", "context_window")
    lookup_field = "name"
    lookup_value_regex = "[^/]+"

    @override
    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("provider", "successor")


class PriceViewSet(ManagedViewSet):
    """Prices: the platform's to read, the tenant's own to write."""

    model = Price
    serializer_class = PriceSerializer
    search_fields = ("llm_model__name", "source")
    ordering_fields = ("effective_from", "llm_model__name")

    @override
    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("llm_model")


class CredentialViewSet(ManagedViewSet):
    """What providers gave us. The secret can be written, and is never given back."""

    model = Credential
    serializer_class = CredentialSerializer
    search_fields = ("name", "provider__slug")
    ordering_fields = ("name", "created_at")

    @override
    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("provider")


class DeploymentViewSet(ManagedViewSet):
    """Where models can be called: the tenant's own, and the platform's to read."""

    model = Deployment
    serializer_class = DeploymentSerializer
    search_fields = ("name", "llm_model__name", "region")
    ordering_fields = ("name", "created_at")

    @override
    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("llm_model__provider", "credential")
