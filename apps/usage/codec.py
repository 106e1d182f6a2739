"""Usage events as bytes: what travels through the journal and the Redis stream."""

from dataclasses import fields
from types import UnionType
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

import orjson

from apps.usage.types import AttemptRecord, UsageEvent

# What the widest column holds.
LARGEST = 2**63 - 1
LATEST_MS = 4_102_444_800_000  # the year 2100
UUID_FIELDS = ("event_id", "tenant_id", "project_id", "key_id")


class MalformedEvent(ValueError):
    """The bytes are not a usage event of ours."""


def encode_event(event: UsageEvent) -> bytes:
    """Return the event as JSON."""
    return orjson.dumps(event)


def decode_event(data: bytes) -> UsageEvent:
    """Read an event back; raises MalformedEvent."""
    try:
        values: dict[str, Any] = orjson.loads(data)
        values |= {name: UUID(values[name]) for name in UUID_FIELDS}
        values["tags"] = tuple(values["tags"])
        values["attempts"] = tuple(_attempt(record) for record in values["attempts"])
        event = _checked(UsageEvent(**values))
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedEvent(str(error)) from error
    if not 0 <= event.at_ms < LATEST_MS:
        raise MalformedEvent(f"at_ms {event.at_ms} is not a moment of ours")
    return event


def _attempt(record: dict[str, Any]) -> AttemptRecord:
    return _checked(AttemptRecord(**{**record, "id": UUID(record["id"])}))


def _checked[R: UsageEvent | AttemptRecord](record: R) -> R:
    """Raise ValueError when a field is not what its annotation says: the books need not ask."""
    for item in fields(record):
        if not _is_of_kind(getattr(record, item.name), item.type):
            raise ValueError(f"{item.name} is not {item.type}")
    return record


def _is_of_kind(value: Any, kind: Any) -> bool:
    origin = get_origin(kind)
    if origin is Literal:
        return value in get_args(kind)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        return False
    return isinstance(value, kind if origin in (None, UnionType) else origin)
