"""The catalogue as JSON; a credential's secret can be written and never read."""

from typing import Any, override

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.core.clock import utc_now
from apps.core.scoping import current_scope
from apps.providers.credentials import put_secret
from apps.providers.deployments import deployment_faults
from apps.providers.models import Credential, Deployment, LlmModel, Price, Provider
from apps.providers.snapshot import carried_capabilities


class ProviderSerializer(serializers.ModelSerializer[Provider]):
    class Meta:
        model = Provider
        fields = ("id", "slug", "name", "adapter", "server_kind", "traffic")
        read_only_fields = fields


class LlmModelSerializer(serializers.ModelSerializer[LlmModel]):
    provider = serializers.SlugRelatedField[Provider](slug_field="slug", read_only=True)
    successor = serializers.SlugRelatedField[LlmModel](slug_field="name", read_only=True)
    capabilities = serializers.SerializerMethodField()

    class Meta:
        model = LlmModel
        fields = (
            "id",
            "name",
            "provider",
            "context_window",
            "max_output_tokens",
            "capabilities",
            "lifecycle",
            "traffic",
            "successor",
        )
        read_only_fields = fields

    def get_capabilities(self, model: LlmModel) -> dict[str, str]:
        """What the model can do and its provider's wire carries."""
        return carried_capabilities(model)


class PriceSerializer(serializers.ModelSerializer[Price]):
    """Micro-dollars per million tokens; `is_platform` rows are read only."""

    llm_model = serializers.SlugRelatedField[LlmModel](
        slug_field="name", queryset=LlmModel.objects.all()
    )
    is_platform = serializers.SerializerMethodField()

    class Meta:
        model = Price
        fields = (
            "id",
            "llm_model",
            "effective_from",
            "input_price",
            "output_price",
            "cached_input_price",
            "cache_write_price",
            "source",
            "is_platform",
        )

    def get_is_platform(self, price: Price) -> bool:
        return price.tenant_id is None


class CredentialSerializer(serializers.ModelSerializer[Credential]):
    provider = serializers.SlugRelatedField[Provider](
        slug_field="slug", queryset=Provider.objects.all()
    )
    secret = serializers.CharField(write_only=True, max_length=4_096)

    class Meta:
        model = Credential
        fields = (
            "id",
            "name",
            "provider",
            "secret",
            "last_four",
            "is_enabled",
            "created_at",
            "rotated_at",
        )
        read_only_fields = ("id", "last_four", "created_at", "rotated_at")

    @override
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        provider = attrs.get("provider")
        if self.instance and provider and provider != self.instance.provider:
            raise serializers.ValidationError(
                {"provider": _("A secret of one provider is of no use to another.")}
            )
        return attrs

    @override
    def create(self, validated_data: dict[str, Any]) -> Credential:
        secret = validated_data.pop("secret")
        credential = Credential(**validated_data)
        put_secret(credential, secret)
        credential.save(force_insert=True)
        return credential

    @override
    def update(self, instance: Credential, validated_data: dict[str, Any]) -> Credential:
        secret = validated_data.pop("secret", None)
        if secret is not None:
            put_secret(instance, secret)
            instance.rotated_at = utc_now()
        return super().update(instance, validated_data)


class OwnCredentialField(serializers.PrimaryKeyRelatedField[Credential]):
    """A credential of the scope's own: the data base ties both rows to one tenant."""

    @override
    def get_queryset(self) -> Any:
        return Credential.objects.filter(tenant_id=current_scope().tenant_id)


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    llm_model = serializers.SlugRelatedField[LlmModel](
        slug_field="name", queryset=LlmModel.objects.all()
    )
    credential = OwnCredentialField(allow_null=True, required=False)
    is_platform = serializers.SerializerMethodField()

    class Meta:
        model = Deployment
        fields = (
            "id",
            "name",
            "llm_model",
            "credential",
            "upstream_model",
            "base_url",
            "region",
            "data_classes",
            "traffic",
            "tokens_per_minute",
            "simulation",
            "is_platform",
            "created_at",
        )
        read_only_fields = ("id", "created_at")

    def get_is_platform(self, deployment: Deployment) -> bool:
        return deployment.tenant_id is None

    @override
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        def value_of(name: str) -> Any:
            return attrs[name] if name in attrs else getattr(self.instance, name, None)

        faults = deployment_faults(
            llm_model=value_of("llm_model"),
            credential=value_of("credential"),
            base_url=attrs.get("base_url") or "",
            simulation=value_of("simulation"),
        )
        if faults:
            raise serializers.ValidationError(faults)
        return attrs
