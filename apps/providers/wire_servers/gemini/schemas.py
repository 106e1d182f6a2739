"""Gemini's subset of OpenAPI schemas: JSON Schema's other keywords are unknown names to it."""

from collections.abc import Iterable
from typing import Any

from apps.providers.wire_servers.demands import demand, unknown_keys
from apps.providers.wire_servers.exchange import Json

TYPES = ("string", "number", "integer", "boolean", "array", "object", "null", "type_unspecified")
KEYWORDS = (
    *(
        "type",
        "format",
        "title",
        "description",
        "nullable",
        "enum",
        "maxItems",
        "minItems",
        "items",
    ),
    *("properties", "required", "minProperties", "maxProperties", "minLength", "maxLength"),
    *("pattern", "example", "anyOf", "propertyOrdering", "default", "minimum", "maximum"),
)


def refuse_unknown(body: Json, known: Iterable[str], place: str = "") -> None:
    """Refuse the first name that Gemini does not know at this place."""
    at = f" at '{place}'" if place else ""
    for name in unknown_keys(body, known):
        message = f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.'
        demand(False, message)


def check_schema(place: str, schema: Any) -> None:
    """Refuse a schema that says more than Gemini understands, at any depth."""
    demand(isinstance(schema, dict), f"Invalid value at '{place}'")
    refuse_unknown(schema, KEYWORDS, place)
    kind = schema.get("type", "type_unspecified")
    message = f"Invalid JSON payload received. Unknown name \"type\" at '{place}'"
    demand(isinstance(kind, str), f"{message}: Proto field is not repeating, cannot start list.")
    demand(kind.lower() in TYPES, f"Invalid value at '{place}.type' (TYPE_ENUM), \"{kind}\"")
    if "properties" in schema:
        filled = schema["properties"] or kind.lower() != "object"
        demand(filled, f"* {place}.properties: should be non-empty for OBJECT type")
    for name, inner in (schema.get("properties") or {}).items():
        check_schema(f"{place}.properties['{name}']", inner)
    if "items" in schema:
        check_schema(f"{place}.items", schema["items"])
    for at, inner in enumerate(schema.get("anyOf", [])):
        check_schema(f"{place}.any_of[{at}]", inner)
    for name in schema.get("required", []):
        known = name in (schema.get("properties") or {})
        demand(known, f"* {place}.required: property is not defined: {name}")
