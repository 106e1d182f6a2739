"""What a provider signed, carried through reasoning items and calls of the Responses API. Pure.

`encrypted_content` is opaque to clients: ours holds who thought and the signature, in base64 of
JSON, so that a client without any stored state can give a thought back as it was.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson

from apps.core.chat import Thinking, ToolCall

FIELD = "encrypted_content"
VERSION = 1


def pack_thought(thought: Thinking) -> str | None:
    """Return what the item carries beside its text, None when nobody signed it."""
    if not (thought.signature or thought.redacted):
        return None
    # The text too: a signature holds for the very bytes, which clients may have put in order.
    return _packed(
        text=thought.text,
        signature=thought.signature,
        redacted=thought.redacted,
        origin=thought.origin,
    )


def unpack_thought(packed: Any, summary: str) -> Thinking:
    """Return the thought; one that another server packed is known by its summary alone."""
    found = _unpacked(packed)
    if found is None:
        return Thinking(text=summary)
    return Thinking(
        text=found.get("text", ""),
        signature=found.get("signature", ""),
        redacted=found.get("redacted", ""),
        origin=found.get("origin", ""),
    )


def pack_call(call: ToolCall) -> str | None:
    """Return what the provider of a call wants to see again with it, None when nothing."""
    return _packed(signature=call.signature, origin=call.origin) if call.signature else None


def unpack_call(packed: Any) -> tuple[str, str]:
    """Return signature and origin of a call."""
    found = _unpacked(packed) or {}
    return found.get("signature", ""), found.get("origin", "")


def _packed(**fields: str) -> str:
    told = {name: value for name, value in fields.items() if value}
    return base64.urlsafe_b64encode(orjson.dumps({"v": VERSION, **told})).decode()


def _unpacked(packed: Any) -> Mapping[str, str] | None:
    if not isinstance(packed, str):
        return None
    try:
        found = orjson.loads(base64.b64decode(packed, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(found, dict) or found.pop("v", None) != VERSION:
        return None
    return found if all(isinstance(value, str) for value in found.values()) else None
