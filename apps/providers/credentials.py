"""Credentials: sealed for their row and tenant, rotated in place, opened in memory only."""

from uuid import UUID

from django.utils.translation import gettext as _

from apps.audit.services import record_change
from apps.audit.types import Actor
from apps.core.clock import utc_now
from apps.core.crypto import seal, unseal
from apps.core.errors import InvalidRequest
from apps.providers.models import Credential, Provider

PURPOSE = "provider.credential"
MAX_SECRET_CHARACTERS = 4_096
# Four characters of a short secret would be half of it.
SHORTEST_SHOWN = 12


def create_credential(
    *, actor: Actor, provider: Provider, name: str, secret: str, tenant_id: UUID | None
) -> Credential:
    """Store a new credential of a tenant, or of the platform (None); audited."""
    credential = Credential(provider=provider, name=name, tenant_id=tenant_id)
    put_secret(credential, secret)
    credential.save(force_insert=True)
    changes = {"provider": provider.slug, "name": name, "last_four": credential.last_four}
    record_change(
        actor=actor, action="providers.credential_created", obj=credential, changes=changes
    )
    return credential


def rotate_credential(*, actor: Actor, credential: Credential, secret: str) -> Credential:
    """Replace the secret; audited without it."""
    before = credential.last_four
    put_secret(credential, secret)
    credential.rotated_at = utc_now()
    credential.save(update_fields=["ciphertext", "last_four", "rotated_at"])
    record_change(
        actor=actor,
        action="providers.credential_rotated",
        obj=credential,
        changes={"last_four": [before, credential.last_four]},
    )
    return credential


def put_secret(credential: Credential, secret: str) -> None:
    """Seal a secret into a row that is about to be saved; raises InvalidRequest."""
    clean = clean_secret(secret)
    credential.ciphertext = seal(
        clean, purpose=PURPOSE, tenant_id=credential.tenant_id, row_id=credential.id
    )
    credential.last_four = clean[-4:] if len(clean) >= SHORTEST_SHOWN else ""


def clean_secret(secret: str) -> str:
    """Return the secret without the blanks that copying adds; raises InvalidRequest."""
    clean = secret.strip()
    if not clean or len(clean) > MAX_SECRET_CHARACTERS:
        raise InvalidRequest(_("Enter the secret that the provider gave you."), param="secret")
    if not clean.isascii() or not clean.isprintable() or " " in clean:
        raise InvalidRequest(
            _("The secret may hold letters, digits and signs only, without blanks."),
            param="secret",
        )
    return clean


def open_secret(credential: Credential) -> str:
    """Return the secret in clear, for a call; raises DecryptionFailed."""
    return unseal(
        credential.ciphertext,
        purpose=PURPOSE,
        tenant_id=credential.tenant_id,
        row_id=credential.id,
    )
