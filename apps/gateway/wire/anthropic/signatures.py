"""Thoughts of others in Anthropic's form: whose they are stands before the signature. Pure.

Clients send back what they were given, so the mark ("google:…") tells a later request whose thought
it is. Anthropic's own signatures are base64, which knows no colon: they are never marked.

Frameworks hold one conversation through several of their integrations: a thought that came through
Gemini's dialect is brought here in the wrapping that it has there.
"""

import re
from collections.abc import Mapping
from typing import Any

from apps.core.chat import Thinking, ToolCall
from apps.gateway.wire.gemini.signatures import opened

ANTHROPIC = "anthropic"
MARKED = re.compile(r"([a-z]+):(.*)", re.DOTALL)
# Of the signature of a call, which a thought without words carries before it ("google:call:…").
CALL = "call:"


def marked(thought: Thinking) -> str:
    """Return the signature, or what is hidden, as clients of this dialect are given it."""
    secret = thought.redacted or thought.signature
    return f"{thought.origin}:{secret}" if secret and thought.origin != ANTHROPIC else secret


def call_mark(call: ToolCall) -> str:
    """Return the signature of the thought without words that goes before a signed call."""
    return f"{call.origin}:{CALL}{call.signature}" if call.signature else ""


def is_wrapped(block: Mapping[str, Any]) -> bool:
    """Say whether a block is a thought in the wrapping of Gemini's dialect."""
    return block["type"] == "thinking" and opened(_signature_of(block)) is not None


def unwrapped(block: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a thought out of that wrapping as this dialect has it; other blocks as they are."""
    if block["type"] != "thinking" or (signed := opened(_signature_of(block))) is None:
        return block
    own = marked(Thinking("", signed.signature, signed.redacted, signed.origin))
    if signed.redacted:
        return {"type": "redacted_thinking", "data": own}
    return {**block, "signature": own}


def _signature_of(block: Mapping[str, Any]) -> str:
    return str(block.get("signature") or "")


def read_mark(signature: str) -> tuple[str, str]:
    """Return whose a signature is, and the signature; one that is empty is nobody's."""
    found = MARKED.fullmatch(signature)
    if found:
        return found[1], found[2]
    return (ANTHROPIC if signature else ""), signature


def read_call_mark(signature: str) -> tuple[str, str]:
    """Return whose signature of a call it is, and the signature; ("", "") if it is none."""
    origin, own = read_mark(signature)
    return (origin, own.removeprefix(CALL)) if own.startswith(CALL) else ("", "")
