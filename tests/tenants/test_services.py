"""Creating tenants and projects."""

import pytest

from apps.audit.models import AuditEntry
from apps.audit.types import SYSTEM
from apps.core.errors import Conflict
from apps.core.scoping import all_tenants, tenant_scope
from apps.tenants.services import create_project, create_tenant
from tests.factories.people import make_project, make_tenant

pytestmark = pytest.mark.django_db


def test_create_tenant__new_short_name__is_recorded_in_its_own_chain() -> None:
    with all_tenants("tests"):
        tenant = create_tenant(
            slug="acme", name="Acme", time_zone="America/Sao_Paulo", actor=SYSTEM
        )
    with tenant_scope(tenant.pk):
        entry = AuditEntry.objects.get()
    assert (entry.action, entry.tenant_id) == ("tenants.tenant_created", tenant.pk)
    assert entry.changes["time_zone"] == "America/Sao_Paulo"


def test_create_tenant__taken_short_name__is_a_conflict() -> None:
    tenant = make_tenant()
    with all_tenants("tests"), pytest.raises(Conflict) as conflict:
        create_tenant(slug=tenant.slug, name="Other", actor=SYSTEM)
    assert conflict.value.param == "slug"


def test_create_project__new_short_name__is_recorded() -> None:
    tenant = make_tenant()
    with tenant_scope(tenant.pk):
        project = create_project(
            tenant_id=tenant.pk, slug="shop", name="Shop", store_content=True, actor=SYSTEM
        )
        entry = AuditEntry.objects.get()
    assert project.store_content
    assert (entry.action, entry.object_id) == ("tenants.project_created", str(project.pk))


def test_create_project__short_name_of_another_tenant__is_free() -> None:
    taken, tenant = make_project(slug="shop"), make_tenant()
    with tenant_scope(tenant.pk):
        project = create_project(tenant_id=tenant.pk, slug="shop", name="Shop", actor=SYSTEM)
    assert project.pk != taken.pk


def test_create_project__taken_short_name__is_a_conflict() -> None:
    taken = make_project()
    with tenant_scope(taken.tenant_id), pytest.raises(Conflict):
        create_project(tenant_id=taken.tenant_id, slug=taken.slug, name="x", actor=SYSTEM)
