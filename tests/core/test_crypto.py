"""Encryption at rest: bound to purpose, tenant and row; old keys open what they sealed."""

import base64
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.crypto import DecryptionFailed, key_id_of, seal, unseal
from apps.core.ids import new_id

TENANT, ROW = new_id(), new_id()
OLD, NEW = b"o" * 32, b"n" * 32
SECRET = "sk-a-secret-of-ours"


def sealed(**changed: Any) -> str:
    binding: dict[str, Any] = {"purpose": "test", "tenant_id": TENANT, "row_id": ROW}
    return seal(SECRET, **binding | changed)


def opened(text: str, **changed: Any) -> str:
    binding: dict[str, Any] = {"purpose": "test", "tenant_id": TENANT, "row_id": ROW}
    return unseal(text, **binding | changed)


@given(st.text())
def test_text__sealed_and_opened__is_the_same(text: str) -> None:
    body = seal(text, purpose="test", tenant_id=TENANT, row_id=ROW)
    assert unseal(body, purpose="test", tenant_id=TENANT, row_id=ROW) == text


def test_ciphertext__of_the_same_text_twice__differs_and_shows_nothing() -> None:
    first, second = sealed(), sealed()
    assert first != second
    assert SECRET not in first
    assert SECRET.encode() not in base64.urlsafe_b64decode(first.split(".")[2])


@pytest.mark.parametrize(
    "changed",
    [
        {"purpose": "other"},
        {"tenant_id": new_id()},
        {"tenant_id": None},
        {"row_id": new_id()},
    ],
)
def test_ciphertext__opened_for_something_else__fails(changed: dict[str, Any]) -> None:
    with pytest.raises(DecryptionFailed):
        opened(sealed(), **changed)


def test_ciphertext__of_the_platform__does_not_open_for_a_tenant() -> None:
    text = sealed(tenant_id=None)
    assert opened(text, tenant_id=None) == SECRET
    with pytest.raises(DecryptionFailed):
        opened(text)


def test_ciphertext__with_any_byte_changed__fails() -> None:
    head, key, body = sealed().split(".")
    data = bytearray(base64.urlsafe_b64decode(body))
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        text = base64.urlsafe_b64encode(bytes(changed)).decode()
        with pytest.raises(DecryptionFailed):
            opened(f"{head}.{key}.{text}")


@pytest.mark.parametrize(
    "text", ["", "v1", "v1.test", "v2.test.AAAA", "v1.gone.AAAA", "v1.test.!", "v1.test.AAAA"]
)
def test_ciphertext__of_another_shape__fails(text: str) -> None:
    with pytest.raises(DecryptionFailed):
        opened(text)


def test_rotation__new_first_key__seals_with_it_and_still_opens_the_old(settings: Any) -> None:
    settings.CREDENTIAL_KEYS = {"k-old": OLD}
    before = sealed()
    settings.CREDENTIAL_KEYS = {"k-new": NEW, "k-old": OLD}
    after = sealed()
    assert (key_id_of(before), key_id_of(after)) == ("k-old", "k-new")
    assert opened(before) == opened(after) == SECRET


def test_rotation__old_key_taken_away__its_texts_no_longer_open(settings: Any) -> None:
    settings.CREDENTIAL_KEYS = {"k-taken": OLD}
    before = sealed()
    settings.CREDENTIAL_KEYS = {"k-kept": NEW}
    with pytest.raises(DecryptionFailed):
        opened(before)


def test_key__given_the_same_id_with_other_bytes__does_not_open(settings: Any) -> None:
    settings.CREDENTIAL_KEYS = {"k-swap": OLD}
    before = sealed()
    settings.CREDENTIAL_KEYS = {"k-swap": NEW}
    with pytest.raises(DecryptionFailed):
        opened(before, row_id=UUID(int=1))
    with pytest.raises(DecryptionFailed):
        opened(before)
