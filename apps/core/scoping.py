"""Tenant scoping that fails closed: no scope, no query; Postgres row security is the second wall.

Inside `tenant_scope` the managers filter by tenant and the transaction carries `app.tenant_id` for
the row-level policies. `all_tenants` is the one escape: it needs a reason, logs it, and switches
the transaction to the platform's database role.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, override
from uuid import UUID

import structlog
from django.db import connection, models, transaction
from django.db.models import Q

RUNTIME_ROLE = "llm_router_runtime"
PLATFORM_ROLE = "llm_router_platform"

log = structlog.get_logger(__name__)


class TenantScopeRequired(RuntimeError):
    """A tenant-owned table was asked without saying for whom."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows may be touched: one tenant's, or everyone's (`tenant_id` is None)."""

    tenant_id: UUID | None
    reason: str = ""

    @property
    def is_platform(self) -> bool:
        return self.tenant_id is None


_current: ContextVar[Scope | None] = ContextVar("tenant_scope", default=None)


def current_scope() -> Scope:
    """Return the scope in force; raises TenantScopeRequired when there is none."""
    scope = _current.get()
    if scope is None:
        raise TenantScopeRequired("enter tenant_scope(tenant_id) or all_tenants(reason) first")
    return scope


def has_scope() -> bool:
    return _current.get() is not None


@contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """Run a transaction that sees and writes one tenant's rows only."""
    with _scoped(Scope(tenant_id)):
        yield


@contextmanager
def all_tenants(reason: str) -> Iterator[None]:
    """Run a transaction across tenants. The reason is logged; uses are counted by a test."""
    log.info("scope.all_tenants", reason=reason)
    with _scoped(Scope(None, reason)):
        yield


@contextmanager
def _scoped(scope: Scope) -> Iterator[None]:
    previous = _current.get()
    token = _current.set(scope)
    try:
        with transaction.atomic():
            _tell_database(scope)
            yield
            # A released savepoint keeps its SET LOCAL, so the outer scope is put back by hand.
            _tell_database(previous)
    finally:
        _current.reset(token)


def _tell_database(scope: Scope | None) -> None:
    assumes_role = bool(connection.settings_dict["OPTIONS"].get("assume_role"))
    tenant = str(scope.tenant_id) if scope and scope.tenant_id else ""
    role = PLATFORM_ROLE if scope and scope.is_platform else RUNTIME_ROLE
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [tenant])
        if assumes_role:
            cursor.execute("SELECT set_config('role', %s, true)", [role])


class TenantManager[M: models.Model](models.Manager[M]):
    """Rows of the scope's tenant only; under `all_tenants`, every row."""

    shares_platform_rows = False

    @override
    def get_queryset(self) -> models.QuerySet[M]:
        scope = current_scope()
        rows = super().get_queryset()
        if scope.is_platform:
            return rows
        mine = Q(tenant_id=scope.tenant_id)
        return rows.filter(mine | Q(tenant_id=None) if self.shares_platform_rows else mine)


class SharedTenantManager[M: models.Model](TenantManager[M]):
    """Rows of the scope's tenant, and the platform's own (tenant null), which all may read."""

    shares_platform_rows = True


def scope_defaults() -> dict[str, Any]:
    """Return `{"tenant_id": …}` for a new row of the current tenant, `{}` on the platform."""
    scope = current_scope()
    return {} if scope.is_platform else {"tenant_id": scope.tenant_id}
