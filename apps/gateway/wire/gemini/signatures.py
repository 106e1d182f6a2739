"""Signatures of thoughts: Gemini's as they are, other providers' in a wrapping of ours. Pure.

Gemini's dialect has one opaque field for them, `thoughtSignature`, in base64. What another provider
has signed travels in it too, marked, so that no provider is ever shown another one's.
"""

import base64
from typing import NamedTuple

import orjson

from apps.core.chat import Thinking

ORIGIN = "google"
MARK = b"router thought:"
# Clients that keep bytes write them again in the alphabet for addresses.
STANDARD = str.maketrans("-_", "+/")


class Signed(NamedTuple):
    """What a signature stands for; see `Thinking`."""

    origin: str
    signature: str = ""
    redacted: str = ""


def standard_base64(text: str) -> str:
    """Return base64 of either alphabet in the usual one, padded."""
    if "-" in text or "_" in text:
        text = text.translate(STANDARD)
    return text + "=" * (-len(text) % 4)


def wrap(thought: Thinking) -> str:
    """Return the value of `thoughtSignature` for a thought; "" when nobody has signed it."""
    if not (thought.signature or thought.redacted):
        return ""
    if thought.origin == ORIGIN:
        return thought.signature
    kept = [thought.origin, thought.signature, thought.redacted]
    return base64.b64encode(MARK + orjson.dumps(kept)).decode()


def unwrap(value: str) -> Signed:
    """Return what a `thoughtSignature` stands for."""
    return opened(value) or Signed(ORIGIN, value)


def is_foreign(value: object) -> bool:
    """Say whether a `thoughtSignature` is another provider's, which Gemini cannot read."""
    return isinstance(value, str) and opened(value) is not None


def opened(value: str) -> Signed | None:
    """Return what is in our wrapping; None where the value has none."""
    # Most signatures are Gemini's and long: the beginning tells.
    begin = standard_base64(value[: len(MARK) // 3 * 4])
    if begin != base64.b64encode(MARK).decode():
        return None
    try:
        kept = orjson.loads(base64.b64decode(standard_base64(value))[len(MARK) :])
        return Signed(*map(str, kept))
    except (ValueError, TypeError):
        return None
