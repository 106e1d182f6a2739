"""Credentials: sealed for one row, never shown, audited without the secret."""

from uuid import uuid4

import pytest

from apps.audit.models import AuditEntry
from apps.audit.types import SYSTEM
from apps.core.crypto import DecryptionFailed
from apps.core.errors import InvalidRequest
from apps.core.scoping import all_tenants
from apps.providers.credentials import clean_secret, open_secret, rotate_credential
from apps.providers.models import Credential
from tests.factories.people import make_tenant
from tests.factories.providers import SECRET, make_credential, make_provider

pytestmark = pytest.mark.django_db


def test_create_credential__stores_no_clear_text_and_opens_again() -> None:
    credential = make_credential(tenant=make_tenant())
    with all_tenants("test"):
        stored = Credential.objects.get(id=credential.id)
    assert SECRET not in stored.ciphertext
    assert stored.last_four == SECRET[-4:]
    assert open_secret(stored) == SECRET


def test_open_secret__ciphertext_moved_to_another_row__fails() -> None:
    tenant = make_tenant()
    mine, other = make_credential(tenant=tenant), make_credential(tenant=tenant)
    other.ciphertext = mine.ciphertext
    with pytest.raises(DecryptionFailed):
        open_secret(other)


@pytest.mark.parametrize("field", ["tenant_id", "id"])
def test_open_secret__row_given_another_identity__fails(field: str) -> None:
    credential = make_credential(tenant=make_tenant())
    setattr(credential, field, uuid4())
    with pytest.raises(DecryptionFailed):
        open_secret(credential)


def test_rotate_credential__replaces_the_secret_and_says_when() -> None:
    credential = make_credential()
    before = credential.ciphertext
    with all_tenants("test"):
        rotate_credential(actor=SYSTEM, credential=credential, secret="sk-another-secret-9876")
        credential.refresh_from_db()
    assert open_secret(credential) == "sk-another-secret-9876"
    assert credential.ciphertext != before
    assert credential.rotated_at is not None


def test_credentials__audit__never_holds_the_secret() -> None:
    with all_tenants("test"):
        credential = make_credential()
        rotate_credential(actor=SYSTEM, credential=credential, secret="sk-another-secret-9876")
        entries = list(AuditEntry.objects.filter(object_id=str(credential.id)))
    assert {entry.action for entry in entries} == {
        "providers.credential_created",
        "providers.credential_rotated",
    }
    for entry in entries:
        assert SECRET not in str(entry.changes)
        assert "another-secret" not in str(entry.changes)


def test_put_secret__short_secret__shows_nothing_of_it() -> None:
    assert make_credential(secret="tiny-1").last_four == ""


@pytest.mark.parametrize("secret", ["", "   ", "a b", "x" * 5_000, "sécret", "a\nb", "a\x00b"])
def test_clean_secret__unusable__is_refused(secret: str) -> None:
    with pytest.raises(InvalidRequest):
        clean_secret(secret)


def test_clean_secret__copied_with_blanks_around__is_trimmed() -> None:
    assert clean_secret("  sk-1234\n") == "sk-1234"


def test_credential__text__names_provider_and_ending_only() -> None:
    credential = make_credential(make_provider(name="Vendor"))
    assert str(credential).startswith("Vendor / credential-")
    assert SECRET not in str(credential)
