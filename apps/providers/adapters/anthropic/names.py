"""Names of tools in Anthropic's letters."""

import re

from apps.providers.adapters.translation import digest_of

LEGAL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
KEPT_CHARACTERS = 100


def legal_name(name: str) -> str:
    """Return the name as the provider takes it: the same for the same name, never for two."""
    if LEGAL_NAME.fullmatch(name):
        return name
    return f"{ILLEGAL.sub('_', name)[:KEPT_CHARACTERS]}_{digest_of(name)}"
