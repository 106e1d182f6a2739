"""Two walls around a tenant's rows: managers that need a scope, and the data base's policies."""

import ast

import pytest
from django.apps import apps
from django.db import connection, models

from apps.core.row_security import tenant_column
from apps.core.scoping import PLATFORM_ROLE, RUNTIME_ROLE, TenantManager, TenantScopeRequired
from tests.architecture.escapes import ALLOWED, BASE_MANAGER_READERS
from tests.architecture.source import PRODUCT, Source, sources

# Tables of tenants whose rows must be found before a tenant is known, each with its reason.
UNSCOPED: dict[str, str] = {}
POLICIES = frozenset({"tenant_read", "tenant_write", "platform_all"})


def test_managers__of_every_tenants_table__fail_closed() -> None:
    wrong = [
        f"{model._meta.label}.{manager.name}"
        for model in _tenant_models()
        if model._meta.label not in UNSCOPED
        for manager in model._meta.managers
        if not isinstance(manager, TenantManager)
    ]
    assert wrong == []


def test_managers__of_every_tenants_table__are_the_default_ones_too() -> None:
    wrong = [
        model._meta.label
        for model in _tenant_models()
        if model._meta.label not in UNSCOPED
        and not isinstance(model._meta.default_manager, TenantManager)
    ]
    assert wrong == []


def test_query__without_a_scope__is_refused() -> None:
    for model in _tenant_models():
        if model._meta.label not in UNSCOPED:
            manager = model._meta.default_manager
            assert manager is not None
            with pytest.raises(TenantScopeRequired):
                manager.all()


def test_escapes__of_the_product__are_the_allowed_ones() -> None:
    counted = {source.name: len(_escapes(source)) for source in sources(*PRODUCT)}
    found = {name: count for name, count in counted.items() if count}
    assert found == {name: count for name, (count, _reason) in ALLOWED.items()}


def test_escapes__each_of_them__gives_its_reason_in_words() -> None:
    without = [
        f"{source.name}:{call.lineno}"
        for source in sources(*PRODUCT)
        for call in _escapes(source)
        if not (call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value)
    ]
    assert without == []


def test_escapes__through_the_base_manager__are_the_allowed_ones() -> None:
    found = {
        source.name
        for source in sources(*PRODUCT)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr == "_base_manager"
    }
    assert found == BASE_MANAGER_READERS.keys()


@pytest.mark.django_db
def test_row_security__on_every_tenants_table__is_on_with_its_policies() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, relrowsecurity FROM pg_class WHERE relkind IN ('r', 'p')")
        is_on: dict[str, bool] = dict(cursor.fetchall())
        cursor.execute("SELECT tablename, array_agg(policyname::text) FROM pg_policies GROUP BY 1")
        policies: dict[str, list[str]] = dict(cursor.fetchall())
    tables = [model._meta.db_table for model in _tenant_models()]
    assert len(tables) > 5
    assert [table for table in tables if not is_on[table]] == []
    assert [table for table in tables if not set(policies.get(table, ())) >= POLICIES] == []


@pytest.mark.django_db
@pytest.mark.parametrize("role", [RUNTIME_ROLE, PLATFORM_ROLE])
def test_serving_role__of_either_kind__is_bound_by_the_policies(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcanlogin FROM pg_roles"
            " WHERE rolname = %s",
            [role],
        )
        assert cursor.fetchone() == (False, False, False, False)
        cursor.execute(
            "SELECT count(*) FROM pg_class JOIN pg_roles ON relowner = pg_roles.oid"
            " WHERE rolname = %s",
            [role],
        )
        assert cursor.fetchone() == (0,)


def _tenant_models() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models()
        if tenant_column(model) is not None and model._meta.managed and not model._meta.proxy
    ]


def _escapes(source: Source) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "all_tenants"
    ]
