"""What a Gemini body asks beside its contents, at one level each, in camelCase. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.errors import InvalidRequest
from apps.gateway.wire.fields import mapping, number
from apps.gateway.wire.gemini.spelling import camelled

CONFIG = "generationConfig"
THINKING = "thinkingConfig"
JSON = "application/json"


def config_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return `generationConfig`; raises InvalidRequest when it is no object."""
    return camelled(mapping(camelled(body), CONFIG))


def thinking_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `thinkingConfig`."""
    return camelled(mapping(config, THINKING))


def tools_of(body: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each tool, and where it stands; raises InvalidRequest."""
    tools = body.get("tools")
    for index, tool in enumerate(tools if isinstance(tools, list) else [tools] if tools else ()):
        if not isinstance(tool, dict):
            raise InvalidRequest("a tool is an object", param=f"tools[{index}]")
        yield camelled(tool), f"tools[{index}]"


def whole_number(config: Mapping[str, Any], name: str, *, minimum: int) -> int | None:
    """Return a count, which clients also write as 40.0."""
    value = number(config, name, minimum=minimum)
    if value is None:
        return None
    if not value.is_integer():
        raise InvalidRequest(f"{name} is a whole number", param=name)
    return int(value)


def wants_json(config: Mapping[str, Any]) -> bool:
    """Say whether the answer shall be structured."""
    has_schema = any(config.get(name) for name in ("responseSchema", "responseJsonSchema"))
    return has_schema or config.get("responseMimeType") == JSON
