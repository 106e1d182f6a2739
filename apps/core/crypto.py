"""Encryption at rest: AES-256-GCM, bound to purpose, tenant and row, with key ids for rotation."""

import base64
import os
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

FORMAT = "v1"
NONCE_BYTES = 12


class DecryptionFailed(Exception):
    """The text was not sealed for this purpose, tenant and row, or its key is gone."""


def seal(plaintext: str, *, purpose: str, tenant_id: UUID | None, row_id: UUID) -> str:
    """Return `v1.<key id>.<base64url of nonce + ciphertext + tag>` under the first key."""
    key_id = next(iter(settings.CREDENTIAL_KEYS))
    nonce = os.urandom(NONCE_BYTES)
    sealed = _cipher(settings.CREDENTIAL_KEYS[key_id], purpose).encrypt(
        nonce, plaintext.encode(), _binding(purpose, tenant_id, row_id)
    )
    return f"{FORMAT}.{key_id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, *, purpose: str, tenant_id: UUID | None, row_id: UUID) -> str:
    """Return the plaintext; raises DecryptionFailed when anything about the binding differs."""
    try:
        version, key_id, body = sealed.split(".")
        if version != FORMAT:
            raise DecryptionFailed(f"unknown format {version!r}")
        data = base64.urlsafe_b64decode(body)
        cipher = _cipher(settings.CREDENTIAL_KEYS[key_id], purpose)
        binding = _binding(purpose, tenant_id, row_id)
        return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], binding).decode()
    except (ValueError, KeyError, InvalidTag) as error:
        raise DecryptionFailed(f"cannot open a secret sealed for {purpose}") from error


def key_id_of(sealed: str) -> str:
    """Return the id of the key that sealed the text."""
    return sealed.split(".")[1]


def _binding(purpose: str, tenant_id: UUID | None, row_id: UUID) -> bytes:
    return f"{purpose}|{tenant_id or 'platform'}|{row_id}".encode()


@lru_cache(maxsize=64)
def _cipher(secret: bytes, purpose: str) -> AESGCM:
    # A key per purpose: a ciphertext of one purpose never opens under another.
    derived = HKDF(hashes.SHA256(), 32, None, f"llm-router:{purpose}".encode()).derive(secret)
    return AESGCM(derived)
