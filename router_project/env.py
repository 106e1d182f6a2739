"""Typed readers of environment variables that collect every fault before anything is refused."""

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})
ENCRYPTION_KEY_BYTES = 32


class Environment:
    """Reads settings; a missing or malformed value becomes a fault and a harmless placeholder."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._assumed: dict[str, str] = {}
        self.faults: list[str] = []

    def assume(self, **defaults: str) -> None:
        """Give values to variables that are not set at all (development and tests)."""
        self._assumed.update(defaults)

    def require(self, *names: str) -> None:
        """Record a fault for each variable that has no value of its own."""
        for name in names:
            self.text(name)

    def fault(self, message: str) -> None:
        """Record what is wrong with the environment."""
        if message not in self.faults:
            self.faults.append(message)

    def refuse_faults(self) -> None:
        """Raise ImproperlyConfigured with one list of all faults, if there are any."""
        if self.faults:
            listed = "".join(f"\n  - {fault}" for fault in self.faults)
            raise ImproperlyConfigured(f"The environment has {len(self.faults)} fault(s):{listed}")

    def is_set(self, name: str) -> bool:
        return bool(self._read(name))

    def text(self, name: str, default: str | None = None) -> str:
        """Return the value; without a default an empty or absent one is a fault."""
        value = self._read(name)
        if value:
            return value
        if default is None:
            self.fault(f"{name} is not set")
            return ""
        return default

    def secret(self, name: str, default: str | None = None) -> str:
        """Return a secret from NAME or from the file that NAME_FILE points to."""
        path = self._read(f"{name}_FILE")
        if not path:
            return self.text(name, default)
        if self._read(name):
            self.fault(f"{name} and {name}_FILE are both set; keep one")
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.fault(f"{name}_FILE cannot be read: {_reason(error)}")
            return default or ""
        if not value:
            self.fault(f"{name}_FILE points to an empty file")
        return value

    def integer(self, name: str, default: int, *, minimum: int = 0) -> int:
        value = self._read(name)
        if not value:
            return default
        try:
            number = int(value)
        except ValueError:
            self.fault(f"{name} must be a whole number, not {value!r}")
            return default
        if number < minimum:
            self.fault(f"{name} must be at least {minimum}, not {number}")
            return default
        return number

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self._read(name)
        if value is None:
            return default
        word = value.lower()
        if word not in TRUE_WORDS | FALSE_WORDS:
            self.fault(f"{name} must be true or false, not {value!r}")
            return default
        return word in TRUE_WORDS

    def items(self, name: str, default: str = "") -> list[str]:
        """Return the comma-separated items."""
        return [item.strip() for item in self.text(name, default).split(",") if item.strip()]

    def choice(self, name: str, default: str, *, allowed: frozenset[str]) -> str:
        value = self.text(name, default)
        if value not in allowed:
            self.fault(f"{name} must be one of {', '.join(sorted(allowed))}, not {value!r}")
            return default
        return value

    def url(self, name: str, default: str | None = None, *, schemes: frozenset[str]) -> str:
        """Return an address of one of the schemes; never echoed, it may hold a password."""
        value = self.secret(name, default)
        if value and urlsplit(value).scheme not in schemes:
            self.fault(f"{name} must start with {' or '.join(f'{s}://' for s in sorted(schemes))}")
        return value

    def encryption_keys(self, name: str) -> dict[str, bytes]:
        """Return `id:base64 key` pairs in order; the first seals, every one opens."""
        keys: dict[str, bytes] = {}
        for position, pair in enumerate(self.secret(name).split(","), start=1):
            key_id, _, encoded = pair.strip().partition(":")
            key = _decoded(encoded)
            if not key_id or key is None or len(key) != ENCRYPTION_KEY_BYTES:
                if pair.strip():
                    self.fault(f"{name}: entry {position} is not id:<32 bytes in base64url>")
            elif key_id in keys:
                self.fault(f"{name}: the id {key_id!r} is used twice")
            else:
                keys[key_id] = key
        return keys

    def _read(self, name: str) -> str | None:
        value = self._values.get(name, self._assumed.get(name))
        return value.strip() if value is not None else None


def _decoded(encoded: str) -> bytes | None:
    padded = encoded + "=" * (-len(encoded) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or "error" if isinstance(error, OSError) else "it is not UTF-8 text"


environment = Environment(os.environ)
