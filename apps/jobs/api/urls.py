"""Paths under /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from apps.jobs.api.views import JobViewSet, WebhookSecretViewSet

router = SimpleRouter()
router.register("jobs", JobViewSet, basename="job")

urlpatterns = [
    # A POST is not redirected to the address with a slash, so both are served.
    path("jobs", JobViewSet.as_view({"get": "list", "post": "create"}, schema=None), name="jobs"),
    path("jobs/<str:pk>", JobViewSet.as_view({"get": "retrieve"}, schema=None), name="job"),
    *router.urls,
    path(
        "webhook-secret/",
        WebhookSecretViewSet.as_view({"get": "list", "post": "create"}),
        name="webhook-secret",
    ),
]
