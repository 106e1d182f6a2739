"""Gemini's schemas as JSON schemas, which every other provider reads. Pure.

Source of the format: ai.google.dev/api/caching#Schema, a part of OpenAPI 3.0 whose types are
written in capitals, and whose whole numbers may be texts.
"""

from typing import Any

from apps.core.errors import InvalidRequest
from apps.gateway.wire.gemini.spelling import camelled

DEEPEST = 64
NO_TYPE = "type_unspecified"
COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
# They say how numbers are stored, which JSON schemas leave open; "enum" says nothing at all.
STORAGE_FORMATS = ("enum", "int32", "int64", "float", "double", "byte", "password")
# Their order of fields is the order of `properties`.
UNSAID = ("propertyOrdering", "nullable", "example")


def json_schema(schema: Any, at: str, depth: int = 0) -> dict[str, Any]:
    """Return the same schema in the common words; raises InvalidRequest."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        message = f"a schema is an object, at most {DEEPEST} deep"
        raise InvalidRequest(message, param=at)
    given = camelled(schema)
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in UNSAID or value is None:
            continue
        if name in ("properties", "defs", "$defs"):
            inner = _each(value, at, depth)
            found["properties" if name == "properties" else "$defs"] = inner
        elif name == "ref":
            found["$ref"] = str(value).replace("#/defs/", "#/$defs/")
        else:
            found |= _said(name, value, at, depth)
    return _nullable(found) if given.get("nullable") is True else found


def _said(name: str, value: Any, at: str, depth: int) -> dict[str, Any]:
    if name == "type":
        return _type(value)
    if name == "format" and value in STORAGE_FORMATS:
        return {}
    if name in COUNTS and isinstance(value, str) and value.isdecimal():
        return {name: int(value)}
    if isinstance(value, dict) and name in ("items", "additionalProperties", "not"):
        return {name: json_schema(value, f"{at}.{name}", depth + 1)}
    if isinstance(value, list) and name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        return {name: [json_schema(one, f"{at}.{name}", depth + 1) for one in value]}
    return {name: value}


def _type(value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        return {"type": value}
    kind = value.lower()
    return {} if kind == NO_TYPE else {"type": kind}


def _each(value: Any, at: str, depth: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequest("properties is an object", param=f"{at}.properties")
    return {name: json_schema(one, f"{at}.{name}", depth + 1) for name, one in value.items()}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if isinstance(kind, str) and kind != "null":
        enum = {"enum": [*schema["enum"], None]} if isinstance(schema.get("enum"), list) else {}
        return {**schema, "type": [kind, "null"], **enum}
    if isinstance(schema.get("anyOf"), list):
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return schema
