"""What Anthropic demands of tools and of the choice between them."""

import re
from typing import Any

from apps.providers.wire_servers.anthropic.turns import blocks_of
from apps.providers.wire_servers.demands import demand
from apps.providers.wire_servers.exchange import Json

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
CHOICES = ("auto", "any", "tool", "none")


def check_tools(body: Json) -> None:
    """Refuse malformed tools, repeated names, and a choice of what is not there."""
    tools: list[Any] = body.get("tools") or []
    for place, tool in enumerate(tools):
        demand(isinstance(tool, dict), f"tools.{place}: Input should be a valid dictionary")
        # Server tools, such as web_search_20250305, bring no schema.
        if tool.get("type", "custom") == "custom":
            _check_custom(f"tools.{place}.custom", tool)
    names = [tool.get("name") for tool in tools]
    demand(len(set(names)) == len(names), "tools: Tool names must be unique.")
    _check_choice(body.get("tool_choice"), names)
    demand(
        tools or not _has_tool_blocks(body),
        "Requests which have `tool_use` or `tool_result` blocks in `messages` must define tools.",
    )


def _check_custom(place: str, tool: Json) -> None:
    pattern = f"{place}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
    demand(NAME.fullmatch(str(tool.get("name", ""))), pattern)
    schema = tool.get("input_schema")
    demand(isinstance(schema, dict), f"{place}.input_schema: Field required")
    message = f"{place}.input_schema.type: Input should be 'object'"
    demand(isinstance(schema, dict) and schema.get("type") == "object", message)
    demand("parameters" not in tool, f"{place}.parameters: Extra inputs are not permitted")


def _check_choice(choice: Any, names: list[Any]) -> None:
    if choice is None:
        return
    kind = choice.get("type") if isinstance(choice, dict) else choice
    demand(
        isinstance(choice, dict) and kind in CHOICES,
        f"tool_choice: Input tag '{kind}' found using 'type' does not match any tag",
    )
    demand(names, "tool_choice may only be specified while providing tools.")
    if kind == "tool":
        message = f"Tool '{choice.get('name')}' not found in provided tools"
        demand(choice.get("name") in names, message)


def _has_tool_blocks(body: Json) -> bool:
    return any(
        block.get("type") in ("tool_use", "tool_result")
        for message in body["messages"]
        for block in blocks_of(message["content"])
    )
