"""Calls of the management API with a key of a site, for the tests of its resources."""

from collections.abc import Callable
from typing import Any

from django.test import Client

from apps.api_keys import lookup
from apps.audit.models import AuditEntry
from apps.core.clock import monotonic_seconds
from apps.core.scoping import tenant_scope
from tests.factories.keys import caller_of_key, make_key
from tests.factories.routing import Site

API = "/api/v1"
REMEMBERED_SECONDS = 60
type Call = Callable[..., Any]


def caller(client: Client, site: Site, *scopes: str) -> Call:
    key = make_key(site.project, name="CI", scopes=list(scopes))
    # Remembered: the thread that looks keys up would not see this test's transaction.
    record = lookup.Record(key.row.digest, caller_of_key(key.row))
    lookup._memory[key.row.lookup] = (monotonic_seconds() + REMEMBERED_SECONDS, record)

    def send(method: str, path: str, **data: Any) -> Any:
        body = {} if method == "get" else {"data": data, "content_type": "application/json"}
        headers = {"authorization": f"Bearer {key.clear}"}
        return getattr(client, method)(f"{API}/{path}", headers=headers, **body)

    return send


def weighted(*names: str) -> list[dict[str, Any]]:
    return [{"model": name, "weight": 1} for name in names]


def fault(answer: Any) -> tuple[int, str | None]:
    """Return the status and the field at fault."""
    return answer.status_code, answer.json()["error"]["param"]


def trail(site: Site) -> list[tuple[str, dict[str, Any]]]:
    with tenant_scope(site.tenant_id):
        rows = AuditEntry.objects.filter(actor_label="CI").order_by("sequence")
        return list(rows.values_list("action", "changes"))
