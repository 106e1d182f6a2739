"""What a tenant's webhooks are signed with: made on demand, shown once, replaced at will."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

from apps.audit.services import record_change
from apps.audit.types import SYSTEM, Actor
from apps.core.clock import utc_now
from apps.core.crypto import seal, unseal
from apps.jobs.models import WebhookSecret

PREFIX = "whsec_"
PURPOSE = "job.webhook_secret"
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret in clear, to be shown once."""

    row: WebhookSecret
    clear: str


def rotate_secret(*, tenant_id: UUID, actor: Actor) -> NewSecret:
    """Replace the tenant's secret, or make the first; deliveries from now on use it."""
    row = WebhookSecret.objects.select_for_update(of=("self",)).filter(tenant_id=tenant_id).first()
    if row is None:
        return _create(tenant_id, actor)
    clear = _new_clear()
    row.ciphertext = _sealed(row, clear)
    row.rotated_at = utc_now()
    row.save(update_fields=["ciphertext", "rotated_at"])
    record_change(actor=actor, action="jobs.webhook_secret_rotated", obj=row)
    return NewSecret(row, clear)


def secret_of(tenant_id: UUID) -> str:
    """Return the secret in force, made now when there is none yet."""
    row = WebhookSecret.objects.filter(tenant_id=tenant_id).first()
    if row is None:
        return _create(tenant_id, SYSTEM).clear
    return unseal(row.ciphertext, purpose=PURPOSE, tenant_id=tenant_id, row_id=row.id)


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the header's value, `t=<seconds>,v1=<HMAC-SHA256 of "seconds.body">`."""
    signed = str(timestamp).encode() + b"." + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def _create(tenant_id: UUID, actor: Actor) -> NewSecret:
    clear = _new_clear()
    row = WebhookSecret(tenant_id=tenant_id)
    row.ciphertext = _sealed(row, clear)
    row.save(force_insert=True)
    record_change(actor=actor, action="jobs.webhook_secret_created", obj=row)
    return NewSecret(row, clear)


def _new_clear() -> str:
    return f"{PREFIX}{secrets.token_urlsafe(SECRET_BYTES)}"


def _sealed(row: WebhookSecret, clear: str) -> str:
    return seal(clear, purpose=PURPOSE, tenant_id=row.tenant_id, row_id=row.id)
