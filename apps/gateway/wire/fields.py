"""Typed readers of JSON bodies: a wrong field is named, with what it should be. Pure."""

from collections.abc import Mapping
from typing import Any

import orjson

from apps.core.errors import InvalidJson, InvalidRequest

LONGEST_NAME = 120
# The limits of OpenAI's API reference, "Metadata".
MOST_METADATA = 16
LONGEST_METADATA_KEY = 64
LONGEST_METADATA_VALUE = 512
LONGEST_USER = 512
# What the writer of JSON can nest; its reader takes more.
DEEPEST = 250
# More than any model gives; every number of every vector is held in memory.
MOST_DIMENSIONS = 8_192
# The books cannot hold it, and no name of ours has it.
NUL = "\0"


def read_object(data: bytes) -> dict[str, Any]:
    """Parse a body; raises InvalidJson when it is not one JSON object in UTF-8."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidJson(f"the body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise InvalidJson("the body is a JSON object")
    if data.count(b"{") + data.count(b"[") > DEEPEST:
        _refuse_depth(body)
    return body


def _refuse_depth(body: Mapping[str, Any]) -> None:
    """Refuse what can be read, but not be written again: for providers, caches and answers."""
    try:
        orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise InvalidJson(f"the body is nested deeper than {DEEPEST} levels") from error


def boolean(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidRequest(f"{name} is true or false", param=name)
    return bool(value)


def flag(body: Mapping[str, Any], name: str) -> bool | None:
    """Return true, false, or None where the body says nothing."""
    return None if body.get(name) is None else boolean(body, name)


def records(body: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list, empty where the body has none."""
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise InvalidRequest(f"{name} is a list", param=name)
    return value or []


def text(body: Mapping[str, Any], name: str, *, longest: int) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest or NUL in value:
        raise InvalidRequest(f"{name} is a text of at most {longest} characters", param=name)
    return value


def mapping(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidRequest(f"{name} is an object", param=name)
    return value


def texts(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a text or a list of texts as a tuple."""
    value = body.get(name)
    if value is None:
        return ()
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(isinstance(item, str) for item in values):
        raise InvalidRequest(f"{name} is a text or a list of texts", param=name)
    return tuple(values)


def whole(
    body: Mapping[str, Any], name: str, *, minimum: int, maximum: int | None = None
) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value < minimum or (maximum is not None and value > maximum):
        limits = f"from {minimum} to {maximum}" if maximum is not None else f"{minimum} or more"
        raise InvalidRequest(f"{name} is a whole number, {limits}", param=name)
    return int(value)


def number(
    body: Mapping[str, Any], name: str, *, minimum: float, maximum: float | None = None
) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or value < minimum or (maximum is not None and value > maximum):
        limits = f"from {minimum} to {maximum}" if maximum is not None else f"{minimum} or more"
        raise InvalidRequest(f"{name} is a number, {limits}", param=name)
    return float(value)


def metadata(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the flat pairs of `metadata` as texts; lists, objects and nulls are nobody's facts."""
    found = {
        name: _as_text(value)
        for name, value in mapping(body, "metadata").items()
        if isinstance(value, str | int | float)
    }
    fits = all(
        len(name) <= LONGEST_METADATA_KEY and len(value) <= LONGEST_METADATA_VALUE
        for name, value in found.items()
    )
    if len(found) > MOST_METADATA or not fits or any(NUL in f"{k}{v}" for k, v in found.items()):
        raise InvalidRequest(
            f"metadata has at most {MOST_METADATA} pairs, with names of {LONGEST_METADATA_KEY} and"
            f" values of {LONGEST_METADATA_VALUE} characters",
            param="metadata",
        )
    return found


def _as_text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
