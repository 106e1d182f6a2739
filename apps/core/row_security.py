"""Row-level security: database roles, grants and policies, laid over every tenant-owned table.

Runs at the end of each `migrate` as the owner of the tables, so that a new table can never be
without its policy. The statements are idempotent.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.core.scoping import PLATFORM_ROLE, RUNTIME_ROLE

CURRENT_TENANT = "NULLIF(current_setting('app.tenant_id', true), '')::uuid"


def tenant_column(model: type[models.Model]) -> str | None:
    """Return the column that names the tenant of a row, None for tables that have no tenant."""
    if model._meta.label == "tenants.Tenant":
        return "id"
    names = {field.column for field in model._meta.local_concrete_fields}
    return "tenant_id" if "tenant_id" in names else None


@contextmanager
def as_owner(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Connect without assuming the runtime role, which owns nothing and so cannot migrate."""
    connection.close()
    role = connection.settings_dict["OPTIONS"].pop("assume_role", None)
    try:
        yield
    finally:
        connection.close()
        if role is not None:
            connection.settings_dict["OPTIONS"]["assume_role"] = role


def apply_row_security(connection: BaseDatabaseWrapper) -> None:
    """Create roles, grants and policies, and tie tenants' foreign keys to one tenant."""
    with connection.cursor() as cursor:
        statements = (*_role_statements(), *_policy_statements(), *_same_tenant_statements())
        for statement in statements:
            cursor.execute(statement)


def _role_statements() -> Iterator[str]:
    for role in (RUNTIME_ROLE, PLATFORM_ROLE):
        # Roles belong to the cluster: another data base may be creating the same one right now.
        yield f"""
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                    CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS;
                END IF;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$"""
        yield f"""
            DO $$ BEGIN
                IF NOT pg_has_role(session_user, '{role}', 'SET') THEN
                    EXECUTE format('GRANT {role} TO %I', session_user);
                END IF;
            END $$"""
        yield f"GRANT USAGE ON SCHEMA public TO {role}"
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"


def _tenant_models() -> Iterator[tuple[type[models.Model], str]]:
    for model in apps.get_models():
        column = tenant_column(model)
        if column is not None and model._meta.managed and not model._meta.proxy:
            yield model, column


def _policy_statements() -> Iterator[str]:
    for model, column in _tenant_models():
        table = model._meta.db_table
        mine = f"{column} = {CURRENT_TENANT}"
        readable = f"{mine} OR {column} IS NULL"
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        for policy in ("tenant_read", "tenant_write", "platform_all"):
            yield f"DROP POLICY IF EXISTS {policy} ON {table}"
        yield (
            f"CREATE POLICY tenant_read ON {table} FOR SELECT TO {RUNTIME_ROLE} USING ({readable})"
        )
        yield (
            f"CREATE POLICY tenant_write ON {table} FOR ALL TO {RUNTIME_ROLE}"
            f" USING ({mine}) WITH CHECK ({mine})"
        )
        yield (
            f"CREATE POLICY platform_all ON {table} FOR ALL TO {PLATFORM_ROLE}"
            " USING (true) WITH CHECK (true)"
        )


def _same_tenant_statements() -> Iterator[str]:
    """Composite keys (tenant_id, id): a tenant's row cannot point at anybody else's row."""
    for model in apps.get_models():
        if not _has_tenant_and_id(model):
            continue
        for field in model._meta.local_fields:
            target = field.remote_field.model if isinstance(field, models.ForeignKey) else None
            column = field.column
            if target is not None and column is not None and _has_tenant_and_id(target):
                yield from _composite_key(model._meta.db_table, column, target._meta.db_table)


def _has_tenant_and_id(model: type[models.Model]) -> bool:
    columns = {field.column for field in model._meta.local_concrete_fields}
    return {"tenant_id", "id"} <= columns


def _composite_key(table: str, column: str, target: str) -> Iterator[str]:
    yield f"CREATE UNIQUE INDEX IF NOT EXISTS {target}_same_tenant ON {target} (tenant_id, id)"
    name = f"{table}_{column}_same_tenant"
    yield f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '{name}') THEN
                ALTER TABLE {table} ADD CONSTRAINT {name}
                    FOREIGN KEY (tenant_id, {column}) REFERENCES {target} (tenant_id, id)
                    DEFERRABLE INITIALLY DEFERRED;
            END IF;
        END $$"""
