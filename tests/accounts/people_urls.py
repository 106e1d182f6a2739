"""The addresses that the tests of people, tenants and audit need."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from apps.accounts.middleware import without_scope
from apps.core.scoping import current_scope, has_scope
from apps.tenants.models import Project


def show_scope(request: HttpRequest) -> HttpResponse:
    if not has_scope():
        return HttpResponse("none")
    return HttpResponse(str(current_scope().tenant_id or "all"))


@without_scope
def show_own_scope(request: HttpRequest) -> HttpResponse:
    return show_scope(request)


def write_and_fail(request: HttpRequest) -> HttpResponse:
    Project.objects.create(tenant_id=current_scope().tenant_id, slug="lost", name="Lost")
    raise ZeroDivisionError


def write_and_refuse(request: HttpRequest) -> HttpResponse:
    Project.objects.create(tenant_id=current_scope().tenant_id, slug="lost", name="Lost")
    return HttpResponse(status=409)


urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(url="/admin/"), name="home"),
    path("admin/", admin.site.urls),
    path("accounts/", include("apps.accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include("apps.audit.api.urls")),
    path("api/v1/", include("apps.tenants.api.urls")),
    path("api/v1/", include("apps.accounts.api.urls")),
    path("scope/", show_scope),
    path("own-scope/", show_own_scope),
    path("fail/", write_and_fail),
    path("refuse/", write_and_refuse),
]
