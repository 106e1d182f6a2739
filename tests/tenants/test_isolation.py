"""Two tenants never see each other: by manager, by row security, by foreign key."""

from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.core.scoping import TenantScopeRequired, all_tenants, tenant_scope
from apps.routing.models import RuleSet
from apps.tenants.models import Project, Tenant
from tests.factories.people import make_membership, make_project, make_tenant

pytestmark = pytest.mark.django_db


def select(statement: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def change(statement: str, *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def test_manager__without_scope__refuses() -> None:
    with pytest.raises(TenantScopeRequired):
        Project.objects.count()


def test_manager__in_a_tenant__shows_its_rows_only() -> None:
    mine, theirs = make_project(), make_project()
    with tenant_scope(mine.tenant_id):
        assert list(Project.objects.all()) == [mine]
        assert not Project.objects.filter(pk=theirs.pk).exists()
        assert [tenant.pk for tenant in Tenant.objects.all()] == [mine.tenant_id]


def test_manager__platform_rows__are_shared_where_the_model_says_so() -> None:
    tenant, other = make_tenant(), make_tenant()
    with all_tenants("tests"):
        for owner in (None, tenant, other):
            RuleSet.objects.create(tenant=owner, name=owner.name if owner else "Global")
    with tenant_scope(tenant.pk):
        assert {rule_set.name for rule_set in RuleSet.objects.all()} == {"Global", tenant.name}


@pytest.mark.parametrize("table", ["tenants_project", "accounts_membership"])
def test_raw_query__in_a_tenant__shows_its_rows_only(table: str) -> None:
    tenant, other = make_tenant(), make_tenant()
    for owner in (tenant, other):
        make_project(owner)
        make_membership(tenant=owner)
    with tenant_scope(tenant.pk):
        assert select(f"SELECT DISTINCT tenant_id FROM {table}") == [(tenant.pk,)]  # noqa: S608
        assert select("SELECT id FROM tenants_tenant") == [(tenant.pk,)]


def test_raw_query__without_scope__shows_nothing() -> None:
    make_project()
    assert select("SELECT count(*) FROM tenants_project") == [(0,)]
    assert select("SELECT count(*) FROM tenants_tenant") == [(0,)]


def test_raw_write__to_another_tenants_row__changes_nothing() -> None:
    mine, theirs = make_project(), make_project()
    with tenant_scope(mine.tenant_id):
        assert change("UPDATE tenants_project SET name = 'x' WHERE id = %s", theirs.pk) == 0
        assert change("DELETE FROM tenants_project WHERE id = %s", theirs.pk) == 0
        assert change("UPDATE tenants_project SET name = 'x' WHERE id = %s", mine.pk) == 1


@pytest.mark.parametrize("owner", ["another tenant", "the platform"])
def test_insert__in_the_name_of_others__is_refused(owner: str) -> None:
    tenant, other = make_tenant(), make_tenant()
    tenant_id: UUID | None = other.pk if owner == "another tenant" else None
    with pytest.raises(DatabaseError, match="row-level security"), tenant_scope(tenant.pk):
        RuleSet.objects.create(tenant_id=tenant_id, name="x")


def test_row__moved_to_another_tenant__is_refused() -> None:
    mine, other = make_project(), make_tenant()
    with pytest.raises(DatabaseError, match="row-level security"), tenant_scope(mine.tenant_id):
        Project.objects.filter(pk=mine.pk).update(tenant_id=other.pk)


def test_platform_row__written_by_a_tenant__changes_nothing() -> None:
    tenant = make_tenant()
    with all_tenants("tests"):
        shared = RuleSet.objects.create(tenant=None, name="Global")
    with tenant_scope(tenant.pk):
        assert RuleSet.objects.filter(pk=shared.pk).update(name="x") == 0


def test_reference__to_another_tenants_row__is_refused_by_the_data_base() -> None:
    tenant, theirs = make_tenant(), make_project()
    with all_tenants("tests"):
        # Checked at once instead of at the end of the transaction.
        change("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="same_tenant"), transaction.atomic():
            RuleSet.objects.create(tenant=tenant, name="x", project_id=theirs.pk)


def test_scopes__nested__come_back_in_the_data_base_too() -> None:
    one, other = make_project(), make_project()
    statement = "SELECT id FROM tenants_project"
    with tenant_scope(one.tenant_id):
        with tenant_scope(other.tenant_id):
            assert select(statement) == [(other.pk,)]
        assert select(statement) == [(one.pk,)]
        with all_tenants("tests"):
            assert len(select(statement)) == 2
        assert select(statement) == [(one.pk,)]
    assert select(statement) == []
