"""Development secrets: made once, kept in `var/` for the owner's eyes only."""

import base64
import json
import os
import secrets
from pathlib import Path

OWNER_ONLY = 0o600


def development_secrets(folder: Path) -> dict[str, str]:
    """Return the secrets of this checkout, made on the first call."""
    path = folder / "secrets.json"
    if not path.exists():
        _write(path, _new_secrets())
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def _new_secrets() -> dict[str, str]:
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "API_KEY_PEPPER": secrets.token_urlsafe(40),
        "CREDENTIAL_KEYS": f"local:{key}",
    }


def _write(path: Path, values: dict[str, str]) -> None:
    # Never readable by others, not even for a moment; never half written.
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(values, file, indent=2)
    partial.rename(path)
