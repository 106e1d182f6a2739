"""What OpenAI demands of tools, of the choice between them, and of strict JSON Schemas."""

from typing import Any

from apps.providers.wire_servers.demands import TOOL_NAME, demand, is_objects
from apps.providers.wire_servers.exchange import Json

CHOICES = ("none", "auto", "required")


def check_tools(body: Json) -> None:
    """Refuse malformed tools, and choices without tools, of a chat completion."""
    tools = body.get("tools")
    demand(tools is None or is_objects(tools), "Invalid 'tools': empty array.", param="tools")
    for place, tool in enumerate(tools or []):
        if tool.get("type") == "function":
            check_function(f"tools[{place}].function", tool.get("function") or {})
    _check_needs_tools(body)
    _check_choice(body)
    _check_format(body.get("response_format") or {})


def check_function(place: str, function: Json) -> None:
    """Refuse a function whose name or parameters OpenAI would not take."""
    name = function.get("name")
    demand(name, f"Missing required parameter: '{place}.name'.", param=f"{place}.name")
    message = f"Invalid '{place}.name': string does not match pattern '^[a-zA-Z0-9_-]+$'."
    demand(TOOL_NAME.fullmatch(str(name)), message, code="invalid_value", param=f"{place}.name")
    schema = function.get("parameters")
    if schema is not None:
        demand(
            isinstance(schema, dict) and schema.get("type") == "object",
            f"Invalid schema for function '{name}': schema must be a JSON Schema of"
            " 'type: \"object\"'.",
            code="invalid_function_parameters",
            param=f"{place}.parameters",
        )
    if function.get("strict"):
        check_strict(f"function '{name}'", schema or {})


def check_strict(owner: str, schema: Any) -> None:
    """Refuse an object that leaves anything open, at any depth."""
    if isinstance(schema, list):
        for one in schema:
            check_strict(owner, one)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        _check_closed(owner, schema)
    for key, value in schema.items():
        # Names of properties are no keywords.
        inner = list(value.values()) if key in ("properties", "$defs") else value
        check_strict(owner, inner)


def _check_closed(owner: str, schema: Json) -> None:
    demand(
        schema.get("additionalProperties") is False,
        f"Invalid schema for {owner}: 'additionalProperties' is required to be supplied and to be"
        " false.",
        code="invalid_json_schema",
    )
    demand(
        set(schema.get("required", ())) == set(schema.get("properties", {})),
        f"Invalid schema for {owner}: 'required' is required to be supplied and to be an array"
        " including every key in properties.",
        code="invalid_json_schema",
    )


def _check_needs_tools(body: Json) -> None:
    for name in ("tool_choice", "parallel_tool_calls"):
        demand(
            body.get(name) is None or body.get("tools"),
            f"'{name}' is only allowed when 'tools' are specified.",
            param=name,
        )


def _check_choice(body: Json) -> None:
    choice = body.get("tool_choice")
    if choice is None or choice in CHOICES:
        return
    demand(isinstance(choice, dict), f"Invalid value: '{choice}'.", param="tool_choice")
    if choice.get("type") == "function":
        names = [(tool.get("function") or {}).get("name") for tool in body["tools"]]
        name = (choice.get("function") or {}).get("name")
        demand(name in names, f"Tool choice '{name}' not found in 'tools'.", param="tool_choice")


def _check_format(wanted: Json) -> None:
    if wanted.get("type") == "json_schema":
        schema = wanted.get("json_schema") or {}
        param = "response_format.json_schema.name"
        demand(schema.get("name"), f"Missing required parameter: '{param}'.", param=param)
        if schema.get("strict"):
            check_strict(f"response_format '{schema['name']}'", schema.get("schema") or {})
