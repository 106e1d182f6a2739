"""API keys: how they are made, read and compared. The secret is never kept, only its HMAC."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from django.conf import settings

LOOKUP_CHARACTERS = 12
SECRET_BYTES = 32
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SHAPE = re.compile(r"llmr_([A-Za-z0-9]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class KeyParts:
    """A key taken apart: `lookup` finds the row, `secret` proves it."""

    lookup: str
    secret: str

    @property
    def clear(self) -> str:
        return f"llmr_{self.lookup}_{self.secret}"


def new_key() -> KeyParts:
    """Make a key: 12 look-up characters, 256 random bits as 43 characters."""
    lookup = "".join(secrets.choice(_ALPHABET) for _ in range(LOOKUP_CHARACTERS))
    return KeyParts(lookup, secrets.token_urlsafe(SECRET_BYTES))


def parse_key(text: str) -> KeyParts | None:
    """Take a key apart; None when it is not of our shape."""
    match = _SHAPE.fullmatch(text)
    return KeyParts(match[1], match[2]) if match else None


def digest_of(parts: KeyParts) -> str:
    """Return HMAC-SHA-256 of look-up and secret under the pepper, as hex."""
    message = f"{parts.lookup}_{parts.secret}".encode()
    return hmac.new(settings.API_KEY_PEPPER, message, hashlib.sha256).hexdigest()


def is_genuine(parts: KeyParts, digest: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(digest_of(parts), digest)
