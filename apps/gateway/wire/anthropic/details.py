"""What an Anthropic body asks beside its messages, in the neutral form. Pure.

Read only when the provider speaks another wire: Anthropic itself gets the body.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.chat import AnswerFormat, ChatDetails, Reasoning, Tool, ToolChoice
from apps.core.errors import InvalidRequest
from apps.gateway.wire.anthropic.turns import read_turns
from apps.gateway.wire.fields import LONGEST_NAME, boolean, mapping, text, whole

# What `ChatRequest` says itself, what `ChatDetails` has a field for, and what shapes no answer.
READ_FIELDS = frozenset(
    {
        *("model", "messages", "system", "max_tokens", "stop_sequences", "temperature", "top_p"),
        *("top_k", "stream", "metadata", "tools", "tool_choice", "thinking"),
        *("output_config", "output_format", "service_tier"),
    }
)
# They run at Anthropic: left out, the answer would be another one.
ONLY_THERE = ("mcp_servers", "container")
READ_TOOL_FIELDS = frozenset(
    {"type", "name", "description", "input_schema", "strict", "cache_control"}
)
CHOICES: Mapping[str, ToolChoice] = {
    "auto": ToolChoice("auto"),
    "any": ToolChoice("required"),
    "none": ToolChoice("none"),
}
# OpenAI wants one.
FORMAT_NAME = "answer"
THINKING_TYPES = ("enabled", "adaptive", "between_tools", "disabled")
LEFT_TO_THE_MODEL = -1
LONGEST_DESCRIPTION = 1_000_000


def read_details(body: Mapping[str, Any]) -> ChatDetails:
    """Read a body that `request.parse` has accepted; raises InvalidRequest."""
    for name in ONLY_THERE:
        if body.get(name):
            raise InvalidRequest("only Anthropic's own models have this", param=name)
    choice = mapping(body, "tool_choice")
    return ChatDetails(
        turns=read_turns(body),
        tools=tuple(_tool(tool, f"tools[{index}]") for index, tool in enumerate(_tools(body))),
        tool_choice=_tool_choice(choice),
        has_parallel_calls=False if boolean(choice, "disable_parallel_tool_use") else None,
        answer_format=_answer_format(body),
        reasoning=_reasoning(body),
        top_k=whole(body, "top_k", minimum=0),
        others=dict(_others(body)),
    )


def _tools(body: Mapping[str, Any]) -> list[Any]:
    tools = body.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise InvalidRequest("tools is a list", param="tools")
    return tools or []


def _tool(tool: Any, at: str) -> Tool:
    if not isinstance(tool, dict):
        raise InvalidRequest("a tool is an object with name and input_schema", param=at)
    if (tool.get("type") or "custom") != "custom":
        message = f"the tool {tool['type']!r} is Anthropic's own: other providers have none like it"
        raise InvalidRequest(message, param=f"{at}.type")
    if not isinstance(tool.get("name"), str):
        raise InvalidRequest("name is a text", param=f"{at}.name")
    mark = tool.get("cache_control")
    return Tool(
        name=tool["name"],
        description=text(tool, "description", longest=LONGEST_DESCRIPTION),
        schema=mapping(tool, "input_schema") or None,
        is_strict=None if tool.get("strict") is None else boolean(tool, "strict"),
        cache_control=mark if isinstance(mark, dict) else None,
    )


def _tool_choice(choice: Mapping[str, Any]) -> ToolChoice | None:
    if not choice:
        return None
    kind, name = choice.get("type"), choice.get("name")
    if kind == "tool" and isinstance(name, str):
        return ToolChoice("required", (name,))
    if not isinstance(kind, str) or kind not in CHOICES:
        known = "auto, any, none, or tool with a name"
        raise InvalidRequest(f"the type is {known}", param="tool_choice.type")
    return CHOICES[kind]


def _answer_format(body: Mapping[str, Any]) -> AnswerFormat | None:
    config = mapping(body, "output_config")
    # The older name of the beta.
    holder, name = (config, "format") if config.get("format") else (body, "output_format")
    wanted = mapping(holder, name)
    if not wanted:
        return None
    schema = wanted.get("schema")
    if wanted.get("type") != "json_schema" or not isinstance(schema, dict):
        raise InvalidRequest("the type is json_schema, with a schema", param="output_config.format")
    return AnswerFormat(name=FORMAT_NAME, schema=schema, is_strict=_is_closed(schema) or None)


def _is_closed(schema: Mapping[str, Any]) -> bool:
    """Say whether every object has all of its properties and no others.

    Anthropic keeps to any schema; OpenAI does to such ones alone, and refuses to for others.
    """
    waiting: list[Any] = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
            if isinstance(one.get("properties"), dict) and not _demands_all(one):
                return False
    return True


def _demands_all(one: Mapping[str, Any]) -> bool:
    required = one.get("required")
    is_all = isinstance(required, list) and all(name in required for name in one["properties"])
    return is_all and one.get("additionalProperties") is False


def _reasoning(body: Mapping[str, Any]) -> Reasoning | None:
    effort = text(mapping(body, "output_config"), "effort", longest=LONGEST_NAME)
    thinking = mapping(body, "thinking")
    kind = thinking.get("type", "disabled")
    if kind not in THINKING_TYPES:
        known = ", ".join(THINKING_TYPES)
        raise InvalidRequest(f"the type is one of {known}", param="thinking.type")
    if kind == "disabled":
        wanted = Reasoning("none") if thinking else Reasoning(effort)
        return wanted if wanted.effort else None
    budget = whole(thinking, "budget_tokens", minimum=1)
    return Reasoning(effort, budget or (None if effort else LEFT_TO_THE_MODEL))


def _others(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in body.items():
        if name not in READ_FIELDS and value:
            yield name, value
    for tool in _tools(body):
        for name, value in tool.items():
            if name not in READ_TOOL_FIELDS and value:
                yield f"tools.{name}", value
