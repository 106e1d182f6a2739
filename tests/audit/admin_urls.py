"""An admin site with one page of each kind, on tables that have what is to be tested."""

from django.contrib.admin import register
from django.urls import include, path
from django.views.generic import RedirectView
from unfold.sites import UnfoldAdminSite

from apps.accounts.admin import MembershipAdmin
from apps.accounts.models import Membership
from apps.audit.admin import (
    AuditedModelAdmin,
    AuditedStackedInline,
    AuditedTabularInline,
    AuditEntryAdmin,
    ReadOnlyModelAdmin,
)
from apps.audit.models import AuditEntry
from apps.providers.models import Credential, Deployment, LlmModel
from apps.routing.models import Release, Rule, RuleSet
from apps.tenants.admin import ProjectAdmin, TenantAdmin
from apps.tenants.models import Project, Tenant

site = UnfoldAdminSite(name="admin")
site.register(AuditEntry, AuditEntryAdmin)
site.register(Tenant, TenantAdmin)
site.register(Project, ProjectAdmin)
site.register(Membership, MembershipAdmin)


class RuleInline(AuditedTabularInline):
    model = Rule
    fields = ("name", "position", "is_enabled")


class DeploymentInline(AuditedStackedInline):
    model = Deployment
    fields = ("name", "credential")


@register(RuleSet, site=site)
class RuleSetAdmin(AuditedModelAdmin):
    fields = ("name", "project", "is_enabled")
    list_display = ("name", "is_enabled", "project")
    inlines = (RuleInline,)


@register(LlmModel, site=site)
class LlmModelAdmin(AuditedModelAdmin):
    fields = ("name",)
    inlines = (DeploymentInline,)


@register(Credential, site=site)
class CredentialAdmin(AuditedModelAdmin):
    fields = ("provider", "name", "is_enabled")


@register(Release, site=site)
class ReleaseAdmin(ReadOnlyModelAdmin):
    list_display = ("version", "comment")


urlpatterns = [
    path("", RedirectView.as_view(url="/admin/"), name="home"),
    path("admin/", site.urls),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
