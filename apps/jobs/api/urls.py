"""Paths under /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from apps.jobs.api.views import JobViewSet, WebhookSecretViewSet

router = SimpleRouter()
router.register("jobs", JobViewSet, basename="job")

urlpatterns = [
    *router.urls,
    path(
        "webhook-secret/",
        WebhookSecretViewSet.as_view({"get": "list", "post": "create"}),
        name="webhook-secret",
    ),
]
