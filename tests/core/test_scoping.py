"""Tenant scoping: no scope, no query; and the data base refuses what slipped through."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.core.scoping import (
    RUNTIME_ROLE,
    TenantScopeRequired,
    all_tenants,
    current_scope,
    has_scope,
    scope_defaults,
    tenant_scope,
)
from apps.tenants.models import Project, Tenant
from tests.factories.people import make_project, make_tenant

pytestmark = pytest.mark.django_db


def test_query__without_a_scope__is_refused() -> None:
    assert not has_scope()
    for ask in (Project.objects.all, Project.objects.count, current_scope, scope_defaults):
        with pytest.raises(TenantScopeRequired):
            ask()


def test_tenant__in_its_scope__sees_its_rows_only() -> None:
    mine, theirs = make_project(), make_project()
    with tenant_scope(mine.tenant_id):
        assert [row.pk for row in Project.objects.all()] == [mine.pk]
        assert not Project.objects.filter(pk=theirs.pk).exists()
        assert scope_defaults() == {"tenant_id": mine.tenant_id}
    assert not has_scope()


def test_platform__in_its_scope__sees_every_row() -> None:
    rows = {make_project().pk, make_project().pk}
    with all_tenants("tests"):
        assert set(Project.objects.values_list("pk", flat=True)) == rows
        assert scope_defaults() == {}


def test_inner_scope__left__puts_the_outer_one_back_in_the_data_base_too() -> None:
    outer, inner = make_project(), make_project()
    with tenant_scope(outer.tenant_id):
        with tenant_scope(inner.tenant_id):
            assert raw_names() == {inner.name}
            with all_tenants("tests"):
                assert raw_names() == {outer.name, inner.name}
            assert raw_names() == {inner.name}
        assert current_scope().tenant_id == outer.tenant_id
        assert raw_names() == {outer.name}


def test_inner_scope__left_by_an_error__puts_the_outer_one_back() -> None:
    outer, inner = make_project(), make_project()
    with tenant_scope(outer.tenant_id):
        with pytest.raises(ZeroDivisionError), tenant_scope(inner.tenant_id):
            _ = 1 / 0
        assert raw_names() == {outer.name}
        assert [row.pk for row in Project.objects.all()] == [outer.pk]


def fail_after_writing(tenant: Tenant) -> None:
    Project.objects.create(tenant=tenant, slug="lost", name="Lost")
    raise ZeroDivisionError


def test_scope__left_by_an_error__takes_its_writes_back() -> None:
    tenant = make_tenant()
    with pytest.raises(ZeroDivisionError), tenant_scope(tenant.pk):
        fail_after_writing(tenant)
    with tenant_scope(tenant.pk):
        assert not Project.objects.exists()


@pytest.mark.parametrize("read", [lambda: raw_names(), lambda: raw_count()])
def test_row_security__query_past_the_manager__shows_the_scopes_rows_only(
    read: Callable[[], Any],
) -> None:
    mine = make_project()
    make_project()
    with tenant_scope(mine.tenant_id):
        assert read() in ({mine.name}, 1)


def test_row_security__without_a_tenant__shows_nothing() -> None:
    make_project()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {RUNTIME_ROLE}")
        cursor.execute("SELECT set_config('app.tenant_id', '', true)")
        assert raw_names() == set()


def test_row_security__write_for_another_tenant__is_refused() -> None:
    mine, other = make_tenant(), make_tenant()
    with tenant_scope(mine.pk):
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            Project.objects.create(tenant=other, slug="theirs", name="Theirs")
        assert not Project.objects.exists()
    with all_tenants("tests"):
        assert not Project.objects.exists()


def test_row_security__change_of_anothers_row_by_sql__touches_nothing() -> None:
    mine, theirs = make_project(), make_project(name="Theirs")
    with tenant_scope(mine.tenant_id), connection.cursor() as cursor:
        cursor.execute("UPDATE tenants_project SET name = 'taken' WHERE id = %s", [theirs.pk])
        assert cursor.rowcount == 0
        cursor.execute("DELETE FROM tenants_project WHERE id = %s", [theirs.pk])
        assert cursor.rowcount == 0


def test_escape__without_a_reason__does_not_exist() -> None:
    with pytest.raises(TypeError):
        all_tenants()  # type: ignore[call-arg]  # the point of the test


def raw_names() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM tenants_project")
        return {name for (name,) in cursor.fetchall()}


def raw_count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_project")
        (count,) = cursor.fetchone()
        return int(count)
