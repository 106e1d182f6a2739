"""Names of tools and ids of calls in the letters that a server takes. Pure."""

import base64
import hashlib
import re

from apps.providers.adapters.openai.quirks import Quirks

LEGAL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
NAME_LENGTH = 64
DIGEST_LENGTH = 12


class ToolNames:
    """The names of one request's tools, as they are sent and back; most are sent as they are."""

    __slots__ = ("_callers",)

    def __init__(self) -> None:
        self._callers: dict[str, str] = {}

    def sent(self, name: str) -> str:
        """Return a name that the provider takes: the same for the same name."""
        legal = legal_name(name)
        if legal != name:
            self._callers[legal] = name
        return legal

    def callers(self, sent: str) -> str:
        """Return the caller's own name."""
        return self._callers.get(sent, sent)


def legal_name(name: str) -> str:
    """Return at most 64 letters, digits, _ and -; two names never become one."""
    if LEGAL_NAME.fullmatch(name):
        return name
    beginning = ILLEGAL.sub("_", name)[: NAME_LENGTH - DIGEST_LENGTH - 1]
    return f"{beginning}_{_digest(name)[:DIGEST_LENGTH]}"


def legal_id(call_id: str, quirks: Quirks) -> str:
    """Return the id of a tool call as the server takes it: the same for call and result."""
    if quirks.tool_ids.fullmatch(call_id):
        return call_id
    return _digest(call_id)[: quirks.tool_id_length]


def _digest(text: str) -> str:
    """Return letters and digits only."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return base64.b32encode(digest).decode()
