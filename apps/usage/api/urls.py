"""Paths under /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from apps.usage.api.views import RequestViewSet, UsageViewSet

router = SimpleRouter()
router.register("requests", RequestViewSet, basename="request")

urlpatterns = [
    path("usage", UsageViewSet.as_view({"get": "list"}), name="usage"),
    *router.urls,
]
