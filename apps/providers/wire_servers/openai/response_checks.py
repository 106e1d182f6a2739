"""What OpenAI demands of the Responses API: the 400s of its API reference, in its own words."""

from typing import Any

from apps.providers.wire_servers.demands import demand, is_objects, is_whole, is_within
from apps.providers.wire_servers.exchange import Exchange, Json
from apps.providers.wire_servers.openai.parameters import check_known
from apps.providers.wire_servers.openai.tools import CHOICES, check_function, check_strict

KNOWN = (
    *("background", "conversation", "context_management", "include", "input", "instructions"),
    *("max_output_tokens", "max_tool_calls", "metadata", "model", "parallel_tool_calls", "user"),
    *("previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_retention", "reasoning"),
    *("safety_identifier", "service_tier", "store", "stream", "stream_options", "temperature"),
    *("text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation"),
)
INPUT_PARTS = ("input_text", "input_image", "input_file", "input_audio")
PARTS = {"assistant": ("output_text", "refusal")}
ITEMS = ("message", "function_call", "function_call_output", "reasoning", "item_reference")
ROLES = ("user", "assistant", "system", "developer")
LEAST_OUTPUT = 16


def check_response(exchange: Exchange) -> None:
    """Raise Refusal where OpenAI would answer 400."""
    body = exchange.body
    demand(body.get("model"), "you must provide a model parameter")
    if not exchange.script.accepts_unknown:
        check_known(body, KNOWN)
    given = body.get("input")
    is_filled = (isinstance(given, str) and given) or is_objects(given)
    demand(is_filled, "Missing required parameter: 'input'.", param="input")
    items = given if isinstance(given, list) else []
    for place, item in enumerate(items):
        _check_item(f"input[{place}]", item)
    _check_calls(_stored_calls(exchange), items)
    _check_tools(body)
    limit = body.get("max_output_tokens")
    message = f"Invalid 'max_output_tokens': integer below minimum value {LEAST_OUTPUT}."
    demand(limit is None or is_whole(limit, least=LEAST_OUTPUT), message, param="max_output_tokens")
    for name, most in (("temperature", 2), ("top_p", 1)):
        demand(is_within(body.get(name), most), f"Invalid '{name}': at most {most}.", param=name)
    _check_format((body.get("text") or {}).get("format") or {})


def _check_item(place: str, item: Json) -> None:
    kind = item.get("type", "message")
    demand(kind in ITEMS, f"Invalid value: '{kind}'.", code="invalid_value", param=place)
    if kind == "message":
        _check_message(place, item)
    elif kind.startswith("function_call"):
        demand(item.get("call_id"), f"Missing required parameter: '{place}.call_id'.", param=place)
        name = "output" if kind.endswith("output") else "arguments"
        allowed = (str, list) if name == "output" else (str,)
        message = f"Invalid type for '{place}.{name}': expected a string."
        demand(isinstance(item.get(name), allowed), message, code="invalid_type", param=place)


def _check_message(place: str, item: Json) -> None:
    role, content = item.get("role"), item.get("content")
    demand(role in ROLES, f"Invalid value: '{role}'.", code="invalid_value", param=f"{place}.role")
    demand(isinstance(content, str | list), f"Missing required parameter: '{place}.content'.")
    allowed = PARTS.get(str(role), INPUT_PARTS)
    for at, part in enumerate(content if isinstance(content, list) else []):
        kind = part.get("type")
        names = ", ".join(f"'{name}'" for name in allowed)
        demand(
            kind in allowed,
            f"Invalid value: '{kind}'. Supported values are: {names}.",
            code="invalid_value",
            param=f"{place}.content[{at}]",
        )


def _stored_calls(exchange: Exchange) -> list[Json]:
    """Return the calls of the response that this one continues."""
    previous = exchange.body.get("previous_response_id")
    if previous is None:
        return []
    stored = exchange.memory.responses.get(previous)
    message = f"Previous response with id '{previous}' not found."
    code, param = "previous_response_not_found", "previous_response_id"
    demand(stored, message, code=code, param=param)
    output: list[Json] = (stored or {}).get("output", [])
    return [item for item in output if item["type"] == "function_call"]


def _check_calls(stored: list[Json], items: list[Json]) -> None:
    """Demand a result for every call, and a call for every result; `call_id` pairs them."""
    called = [item["call_id"] for item in stored]
    answered: list[str] = []
    for item in items:
        if item.get("type") == "function_call":
            called.append(item["call_id"])
        elif item.get("type") == "function_call_output":
            name = item["call_id"]
            message = f"No tool call found for function call output with call_id {name}."
            demand(name in called, message, param="input")
            answered.append(name)
    for name in called:
        message = f"No tool output found for function call {name}."
        demand(name in answered, message, param="input")


def _check_tools(body: Json) -> None:
    tools: list[Any] = body.get("tools") or []
    for place, tool in enumerate(tools):
        if tool.get("type") == "function":
            check_function(f"tools[{place}]", tool)
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "function":
        names = [tool.get("name") for tool in tools]
        message = f"Tool choice '{choice.get('name')}' not found in 'tools'."
        demand(choice.get("name") in names, message, param="tool_choice")
    elif isinstance(choice, str):
        demand(choice in CHOICES, f"Invalid value: '{choice}'.", param="tool_choice")


def _check_format(wanted: Json) -> None:
    if wanted.get("type") == "json_schema":
        param = "text.format.name"
        demand(wanted.get("name"), f"Missing required parameter: '{param}'.", param=param)
        if wanted.get("strict"):
            check_strict(f"response_format '{wanted['name']}'", wanted.get("schema") or {})
