"""What OpenAI demands of a chat completion: the 400s of its API reference, in its own words."""

from typing import Any

from apps.providers.wire_servers.demands import TOOL_NAME, demand, is_objects, parts_of
from apps.providers.wire_servers.exchange import Exchange, Json
from apps.providers.wire_servers.openai.compatible import check_habits
from apps.providers.wire_servers.openai.parameters import check_parameters
from apps.providers.wire_servers.openai.tools import check_tools

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MESSAGE_KEYS = {
    *("role", "content", "name", "refusal", "annotations", "audio"),
    *("tool_calls", "tool_call_id", "function_call"),
}
PART_KEYS = {
    "text": {"type", "text"},
    "image_url": {"type", "image_url"},
    "input_audio": {"type", "input_audio"},
    "file": {"type", "file"},
    "refusal": {"type", "refusal"},
}
USER_PARTS = {"text", "image_url", "input_audio", "file"}
ALLOWED_PARTS = {"user": USER_PARTS, "assistant": {"text", "refusal"}}


def check_chat(exchange: Exchange) -> None:
    """Raise Refusal where OpenAI would answer 400."""
    body = exchange.body
    demand(body.get("model"), "you must provide a model parameter")
    demand("messages" in body, "Missing required parameter: 'messages'.", param="messages")
    messages = body["messages"]
    demand(is_objects(messages), "Invalid 'messages': empty array.", param="messages")
    for place, message in enumerate(messages):
        _check_message(place, message, is_lenient=exchange.is_lenient)
    _check_tool_turns(messages)
    check_habits(exchange)
    check_parameters(body, is_lenient=exchange.is_lenient)
    check_tools(body)


def _check_message(place: int, message: Json, *, is_lenient: bool) -> None:
    param = f"messages[{place}]"
    role, content = message.get("role"), message.get("content")
    demand(role in ROLES, f"Invalid value: '{role}'.", code="invalid_value", param=f"{param}.role")
    if not is_lenient:
        unknown = sorted(message.keys() - MESSAGE_KEYS)
        demand(
            not unknown,
            f"Unknown parameter: '{param}.{', '.join(unknown)}'.",
            code="unknown_parameter",
        )
    has_calls = "tool_calls" in message or "function_call" in message
    is_silent = role == "assistant" and (has_calls or message.get("refusal"))
    demand(
        content is not None or is_silent,
        f"Invalid value for 'content': expected a string, got null. ({param})",
        param=f"{param}.content",
    )
    demand(content != [], f"Invalid '{param}.content': empty array.", param=f"{param}.content")
    for at, part in enumerate(parts_of(content)):
        _check_part(f"{param}.content[{at}]", str(role), part, is_lenient=is_lenient)
    if "tool_calls" in message:
        _check_calls(param, message["tool_calls"])


def _check_part(param: str, role: str, part: Json, *, is_lenient: bool) -> None:
    kind = str(part.get("type"))
    allowed = ALLOWED_PARTS.get(role, {"text"})
    if kind == "image_url":
        demand(
            kind in allowed,
            "Image URLs are only allowed for messages with role 'user', but this message with role"
            f" '{role}' contains an image URL.",
            param=param,
        )
    demand(kind in allowed, f"Invalid value: '{kind}'.", code="invalid_value", param=param)
    if not is_lenient:
        unknown = sorted(part.keys() - PART_KEYS[kind])
        demand(
            not unknown,
            f"Unknown parameter: '{param}.{', '.join(unknown)}'.",
            code="unknown_parameter",
        )
    if kind == "image_url":
        has_address = isinstance(part["image_url"], dict) and part["image_url"].get("url")
        demand(has_address, f"Invalid type for '{param}.image_url': expected an object.")


def _check_calls(param: str, calls: Any) -> None:
    demand(is_objects(calls), f"Invalid '{param}.tool_calls': empty array.", param=param)
    for at, call in enumerate(calls):
        place = f"{param}.tool_calls[{at}]"
        demand(call.get("id"), f"Missing required parameter: '{place}.id'.", param=f"{place}.id")
        demand(call.get("type") == "function", f"Invalid value: '{place}.type'.", param=place)
        function = call.get("function") or {}
        demand(function.get("name"), f"Missing required parameter: '{place}.function.name'.")
        is_legal = TOOL_NAME.fullmatch(function["name"])
        demand(is_legal, f"Invalid '{place}.function.name'.", param=f"{place}.function.name")
        demand(
            isinstance(function.get("arguments"), str),
            f"Invalid type for '{place}.function.arguments': expected a string.",
            code="invalid_type",
            param=f"{place}.function.arguments",
        )


def _check_tool_turns(messages: list[Json]) -> None:
    """Results follow their calls at once, and no call stays without one."""
    asked: set[str] = set()
    waiting: set[str] = set()
    for place, message in enumerate(messages):
        if message["role"] == "tool":
            _check_result(place, message, asked)
            waiting.discard(message["tool_call_id"])
            continue
        _demand_answered(waiting)
        asked = {call["id"] for call in message.get("tool_calls", [])}
        waiting = set(asked)
    _demand_answered(waiting)


def _check_result(place: int, message: Json, asked: set[str]) -> None:
    param = f"messages.[{place}]"
    demand(message.get("tool_call_id"), f"Missing parameter 'tool_call_id': {param}.", param=param)
    demand(
        message["tool_call_id"] in asked,
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message"
        " with 'tool_calls'.",
        param=f"{param}.role",
    )


def _demand_answered(waiting: set[str]) -> None:
    demand(
        not waiting,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to"
        " each 'tool_call_id'. The following tool_call_ids did not have response messages:"
        f" {', '.join(sorted(waiting))}",
        param="messages",
    )
