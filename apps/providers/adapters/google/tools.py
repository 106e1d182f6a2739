"""Tools, the choice among them, and structured answers, as Gemini wants them."""

from typing import Any

from apps.core.chat import AnswerFormat, ChatDetails, Tool
from apps.providers.adapters.failures import not_expressible
from apps.providers.adapters.google.content import Block
from apps.providers.adapters.google.families import (
    MIXES_TOOLS_AND_SCHEMA_FROM,
    THINKS_FROM,
    Version,
)
from apps.providers.adapters.google.names import legal_name
from apps.providers.adapters.translation import ANSWER_TOOL, ANSWER_TOOL_WORDS

JSON_TYPE = "application/json"
NOTHING_SAID = frozenset(
    {"type", "properties", "required", "additionalProperties", "title", "description", "$schema"}
)


def build_tools(details: ChatDetails, version: Version, dropped: list[str]) -> dict[str, Any]:
    """Return `tools` and `toolConfig`; raises AttemptError when the choice cannot be met."""
    _check_choice(details)
    chosen = _offered(details, version)
    declared = [_declaration(tool) for tool in chosen]
    if any(tool.cache_control is not None for tool in chosen):
        dropped.append("cache_control")
    answer = details.answer_format
    if answer is not None and needs_answer_tool(details, version):
        declared.append(_answer_tool(answer))
    if not declared:
        return {}
    if details.has_parallel_calls is False:
        dropped.append("parallel_tool_calls")
    if version < THINKS_FROM and any(tool.is_strict for tool in chosen):
        dropped.append("tools.function.strict")
    found: dict[str, Any] = {"tools": [{"functionDeclarations": declared}]}
    calling = _calling(details, version)
    return found | ({"toolConfig": {"functionCallingConfig": calling}} if calling else {})


def needs_answer_tool(details: ChatDetails, version: Version) -> bool:
    """Say whether a structured answer has to come as the arguments of a tool."""
    wanted = details.answer_format
    return (
        wanted is not None
        and wanted.schema is not None
        and bool(details.tools)
        and _mode(details) == "auto"
        and version < MIXES_TOOLS_AND_SCHEMA_FROM
    )


def build_format(details: ChatDetails, version: Version) -> dict[str, Any]:
    """Return the type and the schema of the answer, where they can be said as such."""
    wanted = details.answer_format
    if wanted is None or (_offered(details, version) and version < MIXES_TOOLS_AND_SCHEMA_FROM):
        return {}
    found: dict[str, Any] = {"responseMimeType": JSON_TYPE}
    return found | ({"responseJsonSchema": dict(wanted.schema)} if wanted.schema else {})


def needs_json_words(details: ChatDetails, version: Version) -> bool:
    """Say whether JSON must be asked for in words: there are tools, and no schema for one more."""
    wanted = details.answer_format
    is_plain = wanted is not None and wanted.schema is None
    return is_plain and not build_format(details, version)


def _mode(details: ChatDetails) -> str:
    return details.tool_choice.mode if details.tool_choice else "auto"


def _check_choice(details: ChatDetails) -> None:
    choice = details.tool_choice
    if choice is None:
        return
    if not {tool.name for tool in details.tools}.issuperset(choice.allowed):
        raise not_expressible("the chosen tool is not among the tools", param="tool_choice")
    if choice.mode == "required" and not details.tools:
        raise not_expressible("tools are required, but none are given", param="tool_choice")


def _offered(details: ChatDetails, version: Version) -> list[Tool]:
    """Return the tools that are declared: where none may be called, an answer's schema matters."""
    mode, allowed = _mode(details), details.tool_choice.allowed if details.tool_choice else ()
    if mode == "none" and details.answer_format and version < MIXES_TOOLS_AND_SCHEMA_FROM:
        return []
    # The wire narrows down only where a call is required; else the others are not offered.
    is_subset = bool(allowed) and mode == "auto"
    return [tool for tool in details.tools if not is_subset or tool.name in allowed]


def _calling(details: ChatDetails, version: Version) -> dict[str, Any]:
    choice = details.tool_choice
    if needs_answer_tool(details, version):
        # One of the caller's tools, or the answer: never plain words.
        return {"mode": "ANY"}
    match _mode(details):
        case "none":
            return {"mode": "NONE"}
        case "required":
            allowed = [legal_name(name) for name in choice.allowed] if choice else []
            return {"mode": "ANY", **({"allowedFunctionNames": allowed} if allowed else {})}
    is_strict = any(tool.is_strict for tool in details.tools)
    # Words or calls, but calls that keep to their schemas.
    return {"mode": "VALIDATED"} if is_strict and version >= THINKS_FROM else {}


def _declaration(tool: Tool) -> Block:
    found: Block = {"name": legal_name(tool.name)}
    if tool.description:
        found["description"] = tool.description
    if tool.schema and not _says_nothing(tool):
        found["parametersJsonSchema"] = {"type": "object", **tool.schema}
    return found


def _says_nothing(tool: Tool) -> bool:
    """An object without properties is told by leaving the schema out."""
    schema = tool.schema or {}
    is_closed = schema.get("additionalProperties") in (None, False)
    return schema.keys() <= NOTHING_SAID and not schema.get("properties") and is_closed


def _answer_tool(wanted: AnswerFormat) -> Block:
    return {
        "name": ANSWER_TOOL,
        "description": wanted.description or ANSWER_TOOL_WORDS,
        "parametersJsonSchema": {"type": "object", **(wanted.schema or {})},
    }
