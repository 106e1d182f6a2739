"""Tools, the choice among them, and structured answers, as OpenAI's chat wants them. Pure."""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import AnswerFormat, ChatDetails, Tool, ToolChoice
from apps.providers.adapters.failures import not_expressible
from apps.providers.adapters.openai.content import Spelling
from apps.providers.adapters.openai.names import legal_name
from apps.providers.adapters.reading import as_list, as_mapping

NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "properties": {}}
# The name that the provider demands of a schema.
ANSWER_NAME = "answer"


def build_tools(details: ChatDetails, spelling: Spelling) -> dict[str, Any]:
    """Return `tools`, `tool_choice` and `parallel_tool_calls`; raises AttemptError."""
    choice = details.tool_choice
    allowed = choice.allowed if choice else ()
    if not {tool.name for tool in details.tools}.issuperset(allowed):
        raise not_expressible("the chosen tool is not among the tools", param="tool_choice")
    if not details.tools:
        if choice is not None and choice.mode == "required":
            raise not_expressible("tools are required, but none are given", param="tool_choice")
        return {}
    has_subset = spelling.quirks.has_allowed_tools
    chosen = [tool for tool in details.tools if has_subset or not allowed or tool.name in allowed]
    found: dict[str, Any] = {"tools": [_definition(tool, spelling) for tool in chosen]}
    if choice is not None:
        found["tool_choice"] = _choice(choice, spelling)
    if details.has_parallel_calls is not None:
        found["parallel_tool_calls"] = details.has_parallel_calls
    return found


def build_format(wanted: AnswerFormat | None, spelling: Spelling) -> dict[str, Any]:
    """Return `response_format`, where a structured answer is asked for; raises AttemptError."""
    if wanted is None:
        return {}
    if wanted.schema is None:
        return {"response_format": {"type": "json_object"}}
    if not spelling.quirks.has_json_schema:
        told = "this provider keeps to no schema in its answers"
        raise not_expressible(told, param="response_format")
    schema: dict[str, Any] = {
        "name": legal_name(wanted.name or ANSWER_NAME),
        "schema": dict(wanted.schema),
        # Where the caller's dialect has no word for it, a schema is meant to be kept.
        "strict": _is_closed(wanted.schema) if wanted.is_strict is None else wanted.is_strict,
    }
    if wanted.description:
        schema["description"] = wanted.description
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _definition(tool: Tool, spelling: Spelling) -> dict[str, Any]:
    function: dict[str, Any] = {"name": spelling.names.sent(tool.name)}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = {**NO_ARGUMENTS, **(tool.schema or {})}
    if tool.is_strict is not None:
        # Others keep to schemas that this provider refuses as strict, so with optional properties.
        function["strict"] = tool.is_strict and _is_closed(function["parameters"])
        if function["strict"] != tool.is_strict:
            spelling.dropped.append("tools.function.strict")
    if tool.cache_control is not None:
        spelling.dropped.append("cache_control")
    return {"type": "function", "function": function}


def _choice(choice: ToolChoice, spelling: Spelling) -> str | dict[str, Any]:
    if not choice.allowed:
        return choice.mode
    named = [_named(name, spelling) for name in choice.allowed]
    if choice.mode == "required" and len(named) == 1:
        return named[0]
    if not spelling.quirks.has_allowed_tools:
        # Only the allowed ones are sent.
        return choice.mode
    return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": named}}


def _named(name: str, spelling: Spelling) -> dict[str, Any]:
    return {"type": "function", "function": {"name": spelling.names.sent(name)}}


def _is_closed(schema: Any) -> bool:
    """Say whether the provider takes a schema as strict: no object leaves anything open."""
    if isinstance(schema, list):
        return all(map(_is_closed, schema))
    if not isinstance(schema, dict):
        return True
    properties = as_mapping(schema.get("properties"))
    if "properties" in schema and schema["properties"] != properties:
        return False
    if schema.get("type") == "object" or properties:
        required = as_list(schema.get("required"))
        is_all = len(required) == len(properties) and all(name in required for name in properties)
        if schema.get("additionalProperties") is not False or not is_all:
            return False
    # Names of properties are no keywords.
    named = (as_mapping(schema.get(key)).values() for key in ("properties", "$defs"))
    others = [value for key, value in schema.items() if key not in ("properties", "$defs")]
    return all(map(_is_closed, others)) and all(_is_closed(list(values)) for values in named)
