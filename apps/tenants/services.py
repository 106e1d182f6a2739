"""Writes of tenants and projects; each is in the audit trail."""

from uuid import UUID

from django.utils.translation import gettext as _

from apps.audit.services import record_change
from apps.audit.types import Actor
from apps.core.errors import Conflict
from apps.tenants.models import Project, Tenant


def create_tenant(
    *, slug: str, name: str, language: str = "en", time_zone: str = "UTC", actor: Actor
) -> Tenant:
    """Create a customer, from the platform's scope; raises Conflict when the slug is taken."""
    if Tenant.objects.filter(slug=slug).exists():
        raise Conflict(_("There is a tenant with this short name already."), param="slug")
    tenant = Tenant.objects.create(slug=slug, name=name, language=language, time_zone=time_zone)
    changes = {"slug": slug, "name": name, "language": language, "time_zone": time_zone}
    record_change(actor=actor, action="tenants.tenant_created", obj=tenant, changes=changes)
    return tenant


def create_project(
    *, tenant_id: UUID, slug: str, name: str, store_content: bool = False, actor: Actor
) -> Project:
    """Create a project of a tenant; raises Conflict when the tenant has one of that slug."""
    if Project.objects.filter(tenant_id=tenant_id, slug=slug).exists():
        raise Conflict(_("There is a project with this short name already."), param="slug")
    project: Project = Project.objects.create(
        tenant_id=tenant_id, slug=slug, name=name, store_content=store_content
    )
    changes = {"slug": slug, "name": name, "store_content": store_content}
    record_change(actor=actor, action="tenants.project_created", obj=project, changes=changes)
    return project
