"""Turns as JSON objects and back, lossless: how every stored history is written down.

A record is `{"v": 1, "role": …, "parts": [{"kind": …, …}]}`; what has its default is left out.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, get_args

from apps.core.chat import (
    Audio,
    File,
    Image,
    Part,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)

VERSION = 1
PART_OF_KIND: Mapping[str, type[Any]] = {
    "text": Text,
    "image": Image,
    "audio": Audio,
    "file": File,
    "thinking": Thinking,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
}
KIND_OF_PART = {part: kind for kind, part in PART_OF_KIND.items()}
ROLES = get_args(Role.__value__)


def turn_record(turn: Turn) -> dict[str, Any]:
    """Return the turn as a JSON object."""
    record: dict[str, Any] = {"v": VERSION, "role": turn.role}
    if turn.name:
        record["name"] = turn.name
    return record | {"parts": [_part_record(part) for part in turn.parts]}


def turn_of(record: Mapping[str, Any]) -> Turn:
    """Return the turn of a record; raises ValueError when it is none, or of a later version."""
    if record.get("v") != VERSION:
        raise ValueError(f"a turn of version {record.get('v')!r} cannot be read")
    if record.get("role") not in ROLES:
        raise ValueError(f"a turn has no role {record.get('role')!r}")
    parts = tuple(_part_of(part) for part in record.get("parts", ()))
    return Turn(record["role"], parts, record.get("name", ""))


def _part_record(part: Part) -> dict[str, Any]:
    record: dict[str, Any] = {"kind": KIND_OF_PART[type(part)]}
    for field in fields(part):
        value = getattr(part, field.name)
        if field.default is MISSING or value != field.default:
            record[field.name] = _plain(value)
    return record


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_part_record(part) for part in value]
    return dict(value) if isinstance(value, Mapping) else value


def _part_of(record: Mapping[str, Any]) -> Any:
    part = PART_OF_KIND.get(record.get("kind", ""))
    if part is None:
        raise ValueError(f"a turn has no part of the kind {record.get('kind')!r}")
    known: tuple[Field[Any], ...] = fields(part)
    values = {name: value for name, value in record.items() if name != "kind"}
    if unknown := values.keys() - {field.name for field in known}:
        raise ValueError(f"a part of the kind {record['kind']!r} has no {', '.join(unknown)}")
    missing = [f.name for f in known if f.default is MISSING and f.name not in values]
    if missing:
        raise ValueError(f"a part of the kind {record['kind']!r} lacks {', '.join(missing)}")
    if part is ToolResult:
        values["parts"] = tuple(_part_of(inner) for inner in values["parts"])
    return part(**values)
