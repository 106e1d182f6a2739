"""Server-sent events as bytes. Source: WHATWG HTML, section 9.2, "Server-sent events"."""

from typing import Any

import orjson

DONE = b"data: [DONE]\n\n"


def data_event(value: Any) -> bytes:
    """Return one event that holds a JSON value."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def named_event(name: str, value: Any) -> bytes:
    """Return one event of a name that holds a JSON value."""
    return b"event: " + name.encode() + b"\n" + data_event(value)
