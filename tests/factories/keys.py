"""API keys and callers for tests."""

from dataclasses import replace
from itertools import count
from typing import Any

from apps.api_keys.enums import Scope
from apps.api_keys.lookup import caller_of
from apps.api_keys.models import ApiKey
from apps.api_keys.services import CreatedKey, create_key
from apps.api_keys.types import Caller
from apps.audit.types import SYSTEM
from apps.core.ids import new_id
from apps.core.scoping import all_tenants
from apps.tenants.models import Project
from tests.factories.people import make_project

_numbers = count(1)


def make_key(project: Project | None = None, **fields: Any) -> CreatedKey:
    """Create a key with every scope; its clear text is in `clear`."""
    values = {"name": f"Key {next(_numbers)}", "scopes": list(Scope.values), **fields}
    with all_tenants("tests"):
        return create_key(project=project or make_project(), actor=SYSTEM, **values)


def make_caller(**fields: Any) -> Caller:
    """Return a caller that no table knows, without limits unless they are given."""
    number = next(_numbers)
    caller = Caller(
        tenant_id=new_id(),
        tenant_slug=f"tenant-{number}",
        tenant_name=f"Tenant {number}",
        tenant_language="en",
        tenant_time_zone="UTC",
        project_id=new_id(),
        project_slug="support",
        project_name="Support",
        stores_content=True,
        key_id=new_id(),
        key_name=f"Key {number}",
        scopes=frozenset(Scope.values),
        tags=(),
        allowed_models=(),
        requests_per_minute=None,
        monthly_budget=None,
        expires_at_ms=None,
    )
    return replace(caller, **fields)


def caller_of_key(row: ApiKey) -> Caller:
    """Return the caller that a stored key stands for."""
    with all_tenants("tests"):
        fresh = ApiKey.objects.select_related("project", "tenant").get(pk=row.pk)
        return caller_of(fresh)
