"""The trail: appended in order, one chain per tenant, changed by nobody unseen."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from apps.audit.chain import FIRST_DIGEST, verify_all_chains, verify_chain
from apps.audit.models import AuditEntry
from apps.audit.services import record_change
from apps.audit.types import SYSTEM, Actor
from apps.core.scoping import TenantScopeRequired, all_tenants, tenant_scope
from apps.tenants.models import Tenant
from tests.factories.people import make_project, make_tenant, make_user

pytestmark = pytest.mark.django_db

ANNA = Actor("user", "1", "Anna", "2001:db8::1")
AS_OWNER = "RESET ROLE"
UNLOCK = "ALTER TABLE audit_auditentry DISABLE TRIGGER audit_entry_is_immutable"
LOCK = "ALTER TABLE audit_auditentry ENABLE TRIGGER audit_entry_is_immutable"


def record(tenant: Tenant, number: int = 1) -> AuditEntry:
    with tenant_scope(tenant.pk):
        entries = [
            record_change(
                actor=ANNA,
                action="tenants.tenant_updated",
                obj=tenant,
                changes={"name": ["Ação", "B"], "share": 0.5, "at": tenant.created_at},
                reason="because",
            )
            for _ in range(number)
        ]
    return entries[-1]


@contextmanager
def as_intruder() -> Iterator[None]:
    """Write the way a superuser of the data base could: past the trigger."""
    with connection.cursor() as cursor:
        cursor.execute(AS_OWNER)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(UNLOCK)
        yield
        cursor.execute(LOCK)


def run_as(role: str, tenant: Tenant, statement: str) -> None:
    scope = tenant_scope(tenant.pk) if role == "tenant" else all_tenants("tests")
    with scope, connection.cursor() as cursor:
        if role.startswith("owner"):
            cursor.execute(AS_OWNER)
        cursor.execute(statement)


def fault_of(tenant: Tenant) -> str:
    with all_tenants("tests"):
        return verify_chain(tenant.pk).fault


def test_record_change__first_entry__starts_the_chain_of_the_tenant() -> None:
    tenant = make_tenant()
    entry = record(tenant)
    assert (entry.sequence, entry.previous_digest) == (1, FIRST_DIGEST)
    assert (entry.tenant_id, entry.object_type) == (tenant.pk, "tenants.Tenant")
    assert entry.address == "2001:db8::1"


def test_record_change__next_entry__follows_the_one_before() -> None:
    tenant = make_tenant()
    first, second = record(tenant), record(tenant)
    assert (second.sequence, second.previous_digest) == (2, first.digest)


def test_record_change__two_tenants__have_chains_of_their_own() -> None:
    one, other = make_tenant(), make_tenant()
    record(one, 3)
    assert record(other).sequence == 1
    with all_tenants("tests"):
        assert record_change(actor=SYSTEM, action="x", obj=make_user()).sequence == 1


def test_record_change__object_of_a_tenant_in_platform_scope__joins_its_chain() -> None:
    project = make_project()
    with all_tenants("tests"):
        entry = record_change(actor=SYSTEM, action="tenants.project_updated", obj=project)
    assert entry.tenant_id == project.tenant_id
    assert fault_of(project.tenant) == ""


def test_record_change__object_without_tenant__belongs_to_the_tenant_in_scope() -> None:
    tenant, user = make_tenant(), make_user()
    with tenant_scope(tenant.pk):
        assert record_change(actor=ANNA, action="x", obj=user).tenant_id == tenant.pk


def test_record_change__without_scope__is_refused() -> None:
    with pytest.raises(TenantScopeRequired):
        record_change(actor=ANNA, action="x", obj=make_user())


def test_record_change__object_of_another_tenant__is_refused_by_the_data_base() -> None:
    project, intruder = make_project(), make_tenant()
    with pytest.raises(DatabaseError), tenant_scope(intruder.pk):
        record_change(actor=ANNA, action="x", obj=project)


def test_verify_chain__untouched__holds_with_its_newest_digest() -> None:
    tenant = make_tenant()
    newest = record(tenant, 5)
    with tenant_scope(tenant.pk):
        report = verify_chain(tenant.pk)
    assert (report.holds, report.entries, report.head) == (True, 5, newest.digest)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor_label", "Bob"),
        ("action", "other"),
        ("changes", "{}"),
        ("reason", ""),
        ("at", "2020-01-01T00:00:00Z"),
        ("address", None),
        ("object_id", "0"),
    ],
)
def test_verify_chain__changed_row__names_the_entry(column: str, value: str | None) -> None:
    tenant = make_tenant()
    record(tenant, 3)
    with as_intruder(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE audit_auditentry SET {column} = %s WHERE tenant_id = %s AND sequence = 2",  # noqa: S608
            [value, tenant.pk],
        )
    assert fault_of(tenant) == "entry 2 was changed after it was written"


def test_verify_chain__removed_row__names_the_gap() -> None:
    tenant = make_tenant()
    record(tenant, 3)
    with as_intruder(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM audit_auditentry WHERE tenant_id = %s AND sequence = 2", [tenant.pk]
        )
    assert fault_of(tenant) == "entry 2 is missing (found 3)"


def test_verify_chain__row_with_a_new_digest_of_its_own__breaks_at_the_next() -> None:
    tenant = make_tenant()
    record(tenant, 3)
    with as_intruder(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE audit_auditentry SET digest = repeat('a', 64)"
            " WHERE tenant_id = %s AND sequence = 2",
            [tenant.pk],
        )
    assert fault_of(tenant) == "entry 2 was changed after it was written"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_auditentry SET reason = 'other'", "DELETE FROM audit_auditentry"],
)
@pytest.mark.parametrize("role", ["tenant", "platform", "owner of the table"])
def test_trail__changed_or_deleted_by_anyone__is_refused(statement: str, role: str) -> None:
    tenant = make_tenant()
    record(tenant)
    with pytest.raises(DatabaseError, match="append-only"):
        run_as(role, tenant, statement)


def test_trail__raw_query_in_a_tenant__shows_neither_others_nor_the_platform() -> None:
    mine, other = make_tenant(), make_tenant()
    record(mine)
    record(other)
    with all_tenants("tests"):
        record_change(actor=SYSTEM, action="x", obj=make_user())
    with tenant_scope(mine.pk), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant_id FROM audit_auditentry")
        assert cursor.fetchall() == [(mine.pk,)]


def test_trail__raw_query_without_scope__shows_nothing() -> None:
    record(make_tenant())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_auditentry")
        assert cursor.fetchone() == (0,)


def test_verify_audit__all_chains_hold__lists_them() -> None:
    tenant = make_tenant()
    record(tenant, 2)
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert f"tenant {tenant.pk}: 2 entries" in out.getvalue()
    assert all(report.holds for report in verify_all_chains())


def test_verify_audit__broken_chain__fails() -> None:
    tenant = make_tenant()
    record(tenant, 2)
    with as_intruder(), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditentry SET reason = ''")
    out = StringIO()
    with pytest.raises(CommandError, match="1 chain"):
        call_command("verify_audit", stdout=out)
    assert "BROKEN: entry 1" in out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_record_change__many_writers_at_once__keep_one_unbroken_chain() -> None:
    tenant = make_tenant()

    def write(_number: int) -> None:
        try:
            record(tenant)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(write, range(20)))
    with all_tenants("tests"):
        report = verify_chain(tenant.pk)
    assert (report.fault, report.entries) == ("", 20)
