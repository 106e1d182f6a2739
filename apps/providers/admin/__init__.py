"""The catalogue in the admin: providers, models, prices, credentials, deployments."""

from apps.providers.admin.catalogue import LlmModelAdmin, PriceAdmin, ProviderAdmin
from apps.providers.admin.credentials import CredentialAdmin
from apps.providers.admin.deployments import DeploymentAdmin

__all__ = ["CredentialAdmin", "DeploymentAdmin", "LlmModelAdmin", "PriceAdmin", "ProviderAdmin"]
