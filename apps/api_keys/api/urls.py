"""Paths under /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.api_keys.api.views import ApiKeyViewSet

router = SimpleRouter()
router.register("keys", ApiKeyViewSet, basename="key")

urlpatterns = router.urls
