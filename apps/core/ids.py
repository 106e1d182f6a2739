"""Identifiers: time-ordered UUIDs inside, prefixed text outside."""

import hashlib
import os
import re
import time
from uuid import UUID

_DIGITS = re.compile(r"[0-9a-f]{32}")


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = int.from_bytes(os.urandom(10), "big")
    high = (milliseconds << 16) | 0x7000 | (random_bits >> 68)
    low = (0b10 << 62) | (random_bits & ((1 << 62) - 1))
    return UUID(int=(high << 64) | low)


def named_id(name: str) -> UUID:
    """Return an id for what has only a name, always the same for the same one."""
    return UUID(bytes=hashlib.sha256(name.encode()).digest()[:16])


def public_id(prefix: str, value: UUID) -> str:
    """Return the outside form, such as `req_0193…` (prefix, underscore, 32 hex digits)."""
    return f"{prefix}_{value.hex}"


def parse_public_id(prefix: str, text: str) -> UUID:
    """Read the outside form back; raises ValueError when the prefix or the digits are wrong."""
    head, _, digits = text.partition("_")
    if head != prefix or not _DIGITS.fullmatch(digits):
        raise ValueError(f"not a {prefix}_ identifier")
    return UUID(hex=digits)


def unix_milliseconds(value: UUID) -> int:
    """Return the time inside a UUIDv7."""
    return value.int >> 80
