"""The hash chain: each digest covers its row and the digest before it, one chain per tenant."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from apps.audit.models import AuditEntry
from apps.core.scoping import all_tenants

FIRST_DIGEST = "0" * 64
ROWS_PER_FETCH = 1_000


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a walk along one chain found; `fault` is empty when it holds.

    `head` is the newest digest: kept elsewhere, it also proves that no newest rows were cut off.
    """

    tenant_id: UUID | None
    entries: int
    head: str
    fault: str = ""

    @property
    def holds(self) -> bool:
        return not self.fault


def digest_of(entry: AuditEntry) -> str:
    """Return the SHA-256 over the previous digest and the row in canonical JSON."""
    row = {
        "id": str(entry.id),
        "sequence": entry.sequence,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "tenant_id": str(entry.tenant_id) if entry.tenant_id else None,
        "actor": [entry.actor_kind, entry.actor_id, entry.actor_label],
        "action": entry.action,
        "object": [entry.object_type, entry.object_id, entry.object_label],
        "changes": entry.changes,
        "reason": entry.reason,
        "address": entry.address,
    }
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(entry.previous_digest.encode() + text.encode()).hexdigest()


def verify_chain(tenant_id: UUID | None) -> ChainReport:
    """Walk one chain (None: the platform's) from its first row; needs a scope that may read it."""
    previous, expected = FIRST_DIGEST, 1
    rows = AuditEntry.objects.filter(tenant_id=tenant_id).order_by("sequence")
    for entry in rows.iterator(chunk_size=ROWS_PER_FETCH):
        fault = _fault_of(entry, previous, expected)
        if fault:
            return ChainReport(tenant_id, expected - 1, previous, fault)
        previous, expected = entry.digest, expected + 1
    return ChainReport(tenant_id, expected - 1, previous)


def verify_all_chains() -> Iterator[ChainReport]:
    """Walk the platform's chain and every tenant's, also of tenants that are gone."""
    with all_tenants("audit: verify the chains"):
        tenants = AuditEntry.objects.order_by("tenant_id").values_list("tenant_id", flat=True)
        for tenant_id in tenants.distinct():
            yield verify_chain(tenant_id)


def _fault_of(entry: AuditEntry, previous: str, expected: int) -> str:
    if entry.sequence != expected:
        return f"entry {expected} is missing (found {entry.sequence})"
    if entry.previous_digest != previous:
        return f"entry {entry.sequence} does not follow the one before it"
    if entry.digest != digest_of(entry):
        return f"entry {entry.sequence} was changed after it was written"
    return ""
