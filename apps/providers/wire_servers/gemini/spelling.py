"""Google takes snake_case and camelCase alike: one spelling for the checks."""

import re
from typing import Any

from apps.providers.wire_servers.exchange import Json

UNDERSCORE = re.compile(r"(?<=[a-z0-9])_([a-z])")
# What stands under these is the client's own, and `properties` are names of the client's.
FOREIGN = frozenset(
    {"args", "response", "parametersJsonSchema", "responseJsonSchema", "enum", "default", "example"}
)


def camelled(body: Json) -> Json:
    """Return the body with the vendor's own keys in camelCase, the client's own untouched."""
    found: Json = {}
    for key, value in body.items():
        name = UNDERSCORE.sub(lambda match: match[1].upper(), key)
        found[name] = _camelled_value(name, value)
    return found


def _camelled_value(name: str, value: Any) -> Any:
    if name in FOREIGN:
        return value
    if name == "properties" and isinstance(value, dict):
        return {key: _inside(one) for key, one in value.items()}
    return _inside(value)


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return camelled(value)
    return [_inside(one) for one in value] if isinstance(value, list) else value
