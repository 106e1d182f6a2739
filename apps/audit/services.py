"""The one door into the audit trail."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any
from uuid import UUID

from django.db import connection, models

from apps.audit.chain import FIRST_DIGEST, digest_of
from apps.audit.models import AuditEntry
from apps.audit.types import Actor
from apps.audit.values import LONGEST_TEXT, cut, safe_changes
from apps.core.clock import utc_now
from apps.core.scoping import current_scope


def record_change(
    *,
    actor: Actor,
    action: str,
    obj: models.Model,
    changes: Mapping[str, Any] | None = None,
    reason: str = "",
) -> AuditEntry:
    """Append one entry to the chain of the object's tenant; needs a scope that may write there.

    An object without a tenant, such as a user, is recorded for the tenant in scope, and for the
    platform when there is none. `changes` is `{field: [old, new]}` or `{field: value}`.
    """
    tenant_id = _tenant_of(obj)
    entry = AuditEntry(
        at=utc_now(),
        tenant_id=tenant_id,
        actor_kind=actor.kind,
        actor_id=cut(actor.id, 64),
        actor_label=cut(actor.label, 255),
        action=cut(action, 64),
        object_type=obj._meta.label,
        object_id=cut(str(obj.pk), 64),
        object_label=cut(str(obj), 255),
        changes=safe_changes(changes or {}),
        reason=cut(reason, LONGEST_TEXT),
        address=_clean_address(actor.address),
    )
    _append(entry)
    return entry


def _append(entry: AuditEntry) -> None:
    _lock_chain(entry.tenant_id)
    newest = AuditEntry.objects.filter(tenant_id=entry.tenant_id).order_by("-sequence").first()
    entry.sequence = newest.sequence + 1 if newest else 1
    entry.previous_digest = newest.digest if newest else FIRST_DIGEST
    entry.digest = digest_of(entry)
    entry.save(force_insert=True)


def _lock_chain(tenant_id: UUID | None) -> None:
    """Let one transaction at a time append to a chain; the lock ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"audit:{tenant_id}"]
        )


def _tenant_of(obj: models.Model) -> UUID | None:
    # By label, because tenants stand above this app.
    own = obj.pk if obj._meta.label == "tenants.Tenant" else getattr(obj, "tenant_id", None)
    return own or current_scope().tenant_id


def _clean_address(address: str | None) -> str | None:
    try:
        parsed = ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(parsed)
