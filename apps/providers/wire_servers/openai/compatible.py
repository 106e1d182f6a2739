"""What a server that resembles OpenAI refuses beside it, and the shapes of its errors."""

import re

from apps.providers.wire_servers.demands import demand
from apps.providers.wire_servers.exchange import Exchange, Json, Refusal
from apps.providers.wire_servers.habits import ErrorShape, Habits

UNPROCESSABLE = 422


def check_habits(exchange: Exchange) -> None:
    """Refuse what this kind of server does not know; raises Refusal."""
    body, habits = exchange.body, exchange.habits
    for name in habits.refused:
        if name in body:
            raise _unknown(name, habits)
    for place, message in enumerate(body["messages"]):
        _check_message(f"messages[{place}]", message, habits)
    wanted = body.get("response_format") or {}
    is_too_much = habits.is_schemaless and wanted.get("type") == "json_schema"
    demand(not is_too_much, "This response_format type is unavailable now")
    last = body["messages"][-1]
    demand(
        not habits.wants_prefix or last["role"] != "assistant" or last.get("prefix"),
        "Expected last role User or Tool (or Assistant with prefix True) for serving but got"
        " assistant",
    )


def _check_message(param: str, message: Json, habits: Habits) -> None:
    for name in habits.refused_in_messages:
        if name in message:
            raise _unknown(f"{param}.{name}", habits)
    role = message["role"]
    demand(role in habits.roles, f"Unexpected message role: {role}", param=f"{param}.role")
    calls = message.get("tool_calls") or []
    ids = [call["id"] for call in calls]
    ids += [message["tool_call_id"]] if role == "tool" else []
    for call_id in ids:
        demand(
            re.fullmatch(habits.call_ids, call_id),
            f"Tool call id was {call_id} but must be {habits.call_ids}.",
            param=f"{param}.tool_calls",
        )
    demand(
        not (calls and habits.wants_thoughts_with_calls) or message.get("reasoning_content"),
        f"Missing `reasoning_content` field in the assistant message ({param}).",
    )


def _unknown(name: str, habits: Habits) -> Refusal:
    if habits.error_shape == "detail":
        return Refusal(UNPROCESSABLE, "Extra inputs are not permitted", param=name)
    message = f"property '{name}' is unsupported"
    return Refusal(400, message, code="unsupported_parameter", param=name)


def shaped(error: Json, status: int, shape: ErrorShape) -> Json:
    """Return OpenAI's envelope in the words of another kind of server."""
    told = error["error"]
    message, param = told["message"], told["param"]
    match shape:
        case "flat":
            kind = {"object": "error", "type": "BadRequestError", "param": param, "code": status}
            return kind | {"message": message}
        case "text":
            return {"error": message}
        case "detail" if status == UNPROCESSABLE:
            place = ["body", param] if param else ["body"]
            detail = {"type": "extra_forbidden", "loc": place, "msg": message}
            return {"object": "error", "message": {"detail": [detail]}, "code": None}
        case "detail":
            kind = {"object": "error", "type": told["type"], "param": param, "code": "3051"}
            return kind | {"message": message}
    return error
