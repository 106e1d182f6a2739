"""Tools, the choice among them, and structured answers, as Anthropic wants them."""

from collections.abc import Iterator
from typing import Any

from apps.core.chat import AnswerFormat, ChatDetails, Tool, ToolCall, ToolChoice
from apps.providers.adapters.anthropic.content import Block
from apps.providers.adapters.anthropic.families import Abilities
from apps.providers.adapters.anthropic.names import legal_name
from apps.providers.adapters.failures import not_expressible
from apps.providers.adapters.translation import ANSWER_TOOL, ANSWER_TOOL_WORDS

NO_ARGUMENTS = {"type": "object", "properties": {}}
CHOICES = {"auto": "auto", "none": "none", "required": "any"}


def needs_answer_tool(wanted: AnswerFormat | None, abilities: Abilities) -> bool:
    """Say whether a structured answer has to come as the arguments of a tool."""
    return wanted is not None and wanted.schema is not None and not abilities.keeps_schemas


def build_tools(details: ChatDetails, abilities: Abilities, dropped: list[str]) -> list[Block]:
    """Return the definitions; raises AttemptError when the choice names an unknown tool."""
    known = {tool.name for tool in details.tools}
    allowed = details.tool_choice.allowed if details.tool_choice else ()
    if not known.issuperset(allowed):
        raise not_expressible("the chosen tool is not among the tools", param="tool_choice")
    is_subset = bool(allowed) and not _is_one_forced(details.tool_choice)
    chosen = [tool for tool in details.tools if not is_subset or tool.name in allowed]
    found = [_definition(tool, abilities, dropped) for tool in chosen]
    if not details.tools:
        # A history with calls needs definitions, also when no more calls are wanted.
        found = [
            {"name": legal_name(name), "input_schema": NO_ARGUMENTS}
            for name in _called_names(details)
        ]
    wanted = details.answer_format
    if wanted is not None and needs_answer_tool(wanted, abilities):
        description = wanted.description or ANSWER_TOOL_WORDS
        schema = dict(wanted.schema or NO_ARGUMENTS)
        found.append({"name": ANSWER_TOOL, "description": description, "input_schema": schema})
    return found


def build_tool_choice(details: ChatDetails, abilities: Abilities) -> dict[str, Any] | None:
    """Return the choice; None leaves it to the provider, which then says "auto"."""
    if needs_answer_tool(details.answer_format, abilities):
        return _choice_with_answer_tool(details)
    choice = details.tool_choice
    if not details.tools:
        if choice is not None and choice.mode == "required":
            raise not_expressible("tools are required, but none are given", param="tool_choice")
        return {"type": "none"} if any(_called_names(details)) else None
    found: dict[str, Any] = {"type": CHOICES[choice.mode if choice else "auto"]}
    if choice is not None and _is_one_forced(choice):
        found = {"type": "tool", "name": legal_name(choice.allowed[0])}
    if details.has_parallel_calls is False and found["type"] != "none":
        found["disable_parallel_tool_use"] = True
    return None if found == {"type": "auto"} else found


def is_forced(choice: dict[str, Any] | None) -> bool:
    """Say whether a tool must be called, which forbids thinking before it."""
    return choice is not None and choice["type"] in ("any", "tool")


def _choice_with_answer_tool(details: ChatDetails) -> dict[str, Any]:
    is_none = details.tool_choice is not None and details.tool_choice.mode == "none"
    if is_none or not details.tools:
        return {"type": "tool", "name": ANSWER_TOOL}
    # One of the caller's tools, or the answer: never plain words.
    return {"type": "any"} | (
        {"disable_parallel_tool_use": True} if details.has_parallel_calls is False else {}
    )


def _is_one_forced(choice: ToolChoice | None) -> bool:
    return choice is not None and choice.mode == "required" and len(choice.allowed) == 1


def _definition(tool: Tool, abilities: Abilities, dropped: list[str]) -> Block:
    found: Block = {"name": legal_name(tool.name), "input_schema": _input_schema(tool)}
    if tool.description:
        found["description"] = tool.description
    if tool.is_strict and abilities.keeps_schemas:
        found["strict"] = True
    elif tool.is_strict:
        dropped.append("tools.function.strict")
    if tool.cache_control is not None:
        found["cache_control"] = dict(tool.cache_control)
    return found


def _input_schema(tool: Tool) -> dict[str, Any]:
    return {"type": "object", **tool.schema} if tool.schema else dict(NO_ARGUMENTS)


def _called_names(details: ChatDetails) -> Iterator[str]:
    calls = (part for turn in details.turns for part in turn.parts if isinstance(part, ToolCall))
    yield from dict.fromkeys(call.name for call in calls)
