"""Usage events as bytes: what travels through the journal and the Redis stream."""

from typing import Any
from uuid import UUID

import orjson

from apps.usage.types import AttemptRecord, UsageEvent

UUID_FIELDS = ("event_id", "tenant_id", "project_id", "key_id")


class MalformedEvent(ValueError):
    """The bytes are not a usage event of ours."""


def encode_event(event: UsageEvent) -> bytes:
    """Return the event as JSON."""
    return orjson.dumps(event)


def decode_event(data: bytes) -> UsageEvent:
    """Read an event back; raises MalformedEvent."""
    try:
        fields: dict[str, Any] = orjson.loads(data)
        fields |= {name: UUID(fields[name]) for name in UUID_FIELDS}
        fields["tags"] = tuple(fields["tags"])
        fields["attempts"] = tuple(_attempt(record) for record in fields["attempts"])
        return UsageEvent(**fields)
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedEvent(str(error)) from error


def _attempt(record: dict[str, Any]) -> AttemptRecord:
    return AttemptRecord(**{**record, "id": UUID(record["id"])})
