"""Data plane: the compatible API and the two engine views, on the lean handler."""

from django.urls import path

from apps.gateway.api.complete import CompleteView, RouteView
from apps.gateway.api.health import live, ready
from apps.gateway.api.openai import api

urlpatterns = [
    path("v1/", api.urls),
    path("api/v1/complete", CompleteView.as_view(), name="complete"),
    path("api/v1/route", RouteView.as_view(), name="route"),
    path("livez", live, name="livez"),
    path("readyz", ready, name="readyz"),
]

handler404 = "apps.gateway.api.errors.not_found"
handler500 = "apps.gateway.api.errors.server_error"
