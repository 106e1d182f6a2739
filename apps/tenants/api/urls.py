"""Paths under /api/v1/."""

from rest_framework.routers import SimpleRouter

from apps.tenants.api.views import ProjectViewSet, TenantViewSet

router = SimpleRouter()
router.register("tenants", TenantViewSet, basename="tenant")
router.register("projects", ProjectViewSet, basename="project")

urlpatterns = router.urls
