"""Field names as Google's clients spell them: camelCase and snake_case mean the same. Pure.

Source: the JSON mapping of Protocol Buffers, which every Google API follows.
"""

import re
from collections.abc import Mapping
from typing import Any

UNDERSCORE = re.compile(r"(?<=[a-z0-9])_([a-z0-9])")


def camelled(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return one object with its own names in camelCase; what stands inside is as it was."""
    return {_camel(name): value for name, value in record.items()}


def spelled(record: Mapping[str, Any], name: str) -> str:
    """Return the name under which a record has a field, given in camelCase."""
    return next((given for given in record if _camel(given) == name), name)


def _camel(name: str) -> str:
    if "_" not in name:
        return name
    return UNDERSCORE.sub(lambda match: match[1].upper(), name)
