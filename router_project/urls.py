"""Control plane: admin, sign-in, management API and its documentation."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.gateway.api.complete import CompleteView, RouteView

MANAGEMENT_APPS = (
    *("audit", "tenants", "accounts", "providers", "prompts", "usage", "api_keys", "routing"),
    *("conversations", "jobs"),
)

handler404 = "router_project.error_pages.not_found"

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/"), name="home"),
    path("admin/", admin.site.urls),
    path("accounts/", include("apps.accounts.urls")),
    path("accounts/", include("allauth.urls")),
    *(path("api/v1/", include(f"apps.{name}.api.urls")) for name in MANAGEMENT_APPS),
    # The data plane answers these; here they are for the schema.
    path("api/v1/complete", CompleteView.as_view(), name="complete"),
    path("api/v1/route", RouteView.as_view(), name="route"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]
