"""Data plane: the compatible API and the two engine views, on the lean handler."""

from django.urls import path, re_path

from apps.gateway.api.compatible import v1, v1beta
from apps.gateway.api.complete import CompleteView, RouteView
from apps.gateway.api.errors import nothing_here
from apps.gateway.api.health import live, ready

urlpatterns = [
    path("v1/", v1.urls),
    path("v1beta/", v1beta.urls),
    path("api/v1/complete", CompleteView.as_view(), name="complete"),
    path("api/v1/route", RouteView.as_view(), name="route"),
    path("livez", live, name="livez"),
    path("readyz", ready, name="readyz"),
    # Last: also under DEBUG a client gets an error that it can read.
    re_path("", nothing_here),
]

handler500 = "apps.gateway.api.errors.server_error"
