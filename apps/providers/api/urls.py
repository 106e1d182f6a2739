"""Paths under /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.providers.api.views import (
    CredentialViewSet,
    DeploymentViewSet,
    LlmModelViewSet,
    PriceViewSet,
    ProviderViewSet,
)

router = SimpleRouter()
router.register("providers", ProviderViewSet, basename="provider")
router.register("models", LlmModelViewSet, basename="model")
router.register("prices", PriceViewSet, basename="price")
router.register("credentials", CredentialViewSet, basename="credential")
router.register("deployments", DeploymentViewSet, basename="deployment")

urlpatterns = router.urls
