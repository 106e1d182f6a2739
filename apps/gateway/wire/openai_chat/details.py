"""What an OpenAI chat body asks beside its messages, in the neutral form. Pure.

Read only when the provider speaks another wire: an OpenAI-compatible one gets the body itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.chat import AnswerFormat, ChatDetails, Reasoning, Tool, ToolChoice
from apps.core.errors import InvalidRequest
from apps.gateway.wire.fields import (
    LONGEST_NAME,
    boolean,
    flag,
    mapping,
    number,
    records,
    text,
    whole,
)
from apps.gateway.wire.openai_chat.turns import read_turns

# What `ChatRequest` says itself, what `ChatDetails` has a field for, and what shapes no answer.
READ_FIELDS = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "n", "stop", "temperature", "top_p"),
        *("max_tokens", "max_completion_tokens", "user", "safety_identifier", "metadata"),
        *("tools", "functions", "tool_choice", "function_call", "parallel_tool_calls"),
        *("response_format", "reasoning_effort", "reasoning", "top_k", "seed"),
        *("logprobs", "top_logprobs", "store", "frequency_penalty", "presence_penalty"),
    }
)
# Values that ask for nothing.
NOTHING: Mapping[str, Any] = {
    "logit_bias": {},
    "modalities": ["text"],
}
MODES = ("auto", "none", "required")


def read_details(body: Mapping[str, Any]) -> ChatDetails:
    """Read a body that `request.parse` has accepted; raises InvalidRequest."""
    return ChatDetails(
        turns=read_turns(body.get("messages", [])),
        tools=tuple(_tools(body)),
        tool_choice=_tool_choice(body),
        has_parallel_calls=_has_parallel_calls(body),
        answer_format=_answer_format(body),
        reasoning=_reasoning(body),
        top_k=whole(body, "top_k", minimum=0),
        seed=whole(body, "seed", minimum=-(2**63)),
        top_logprobs=_top_logprobs(body),
        frequency_penalty=_penalty(body, "frequency_penalty"),
        presence_penalty=_penalty(body, "presence_penalty"),
        others=dict(_others(body)),
    )


def _tools(body: Mapping[str, Any]) -> Iterator[Tool]:
    for index, tool in enumerate(records(body, "tools")):
        at = f"tools[{index}]"
        if not isinstance(tool, dict) or tool.get("type", "function") != "function":
            raise InvalidRequest("only tools of the type function can be translated", param=at)
        yield _tool(tool.get("function"), tool, f"{at}.function")
    for index, function in enumerate(records(body, "functions")):
        yield _tool(function, {}, f"functions[{index}]")


def _tool(function: Any, tool: Mapping[str, Any], at: str) -> Tool:
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise InvalidRequest("a function is an object with a name", param=at)
    mark = tool.get("cache_control") or function.get("cache_control")
    return Tool(
        name=function["name"],
        description=text(function, "description", longest=1_000_000),
        schema=mapping(function, "parameters") or None,
        is_strict=flag(function, "strict"),
        cache_control=mark if isinstance(mark, dict) else None,
    )


def _tool_choice(body: Mapping[str, Any]) -> ToolChoice | None:
    name = "tool_choice" if body.get("tool_choice") is not None else "function_call"
    choice = body.get(name)
    if choice is None:
        return None
    if choice in MODES:
        return ToolChoice(choice)
    if isinstance(choice, dict):
        return _narrowed(choice, name)
    raise InvalidRequest(f"{name} is one of {', '.join(MODES)}, or an object", param=name)


def _narrowed(choice: Mapping[str, Any], at: str) -> ToolChoice:
    if choice.get("type") != "allowed_tools":
        return ToolChoice("required", (_chosen_name(choice, at),))
    subset = choice if "tools" in choice else mapping(choice, "allowed_tools")
    mode = subset.get("mode", "auto")
    if mode not in ("auto", "required"):
        raise InvalidRequest("mode is auto or required", param=f"{at}.allowed_tools.mode")
    return ToolChoice(mode, tuple(_chosen_name(tool, at) for tool in records(subset, "tools")))


def _chosen_name(choice: Any, at: str) -> str:
    function = choice.get("function", choice) if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str):
        raise InvalidRequest("name the function that is meant", param=at)
    return name


def _has_parallel_calls(body: Mapping[str, Any]) -> bool | None:
    # The older form of tools knows one call at a time.
    is_older = bool(body.get("functions")) and not body.get("tools")
    return False if is_older else flag(body, "parallel_tool_calls")


def _answer_format(body: Mapping[str, Any]) -> AnswerFormat | None:
    wanted = mapping(body, "response_format")
    kind = wanted.get("type", "text")
    if kind == "text":
        return None
    if kind == "json_object":
        return AnswerFormat()
    schema = wanted.get("json_schema")
    if kind != "json_schema" or not isinstance(schema, dict):
        known = "text, json_object or json_schema with a json_schema"
        raise InvalidRequest(f"the type is {known}", param="response_format")
    if not isinstance(schema.get("schema"), dict):
        raise InvalidRequest("schema is an object", param="response_format.json_schema.schema")
    return AnswerFormat(
        name=text(schema, "name", longest=LONGEST_NAME),
        description=text(schema, "description", longest=1_000_000),
        schema=schema["schema"],
        is_strict=flag(schema, "strict"),
    )


def _reasoning(body: Mapping[str, Any]) -> Reasoning | None:
    other = mapping(body, "reasoning")
    effort = text(body, "reasoning_effort", longest=LONGEST_NAME)
    effort = effort or text(other, "effort", longest=LONGEST_NAME)
    budget = whole(other, "max_tokens", minimum=1)
    return Reasoning(effort, budget) if effort or budget else None


def _penalty(body: Mapping[str, Any], name: str) -> float | None:
    return number(body, name, minimum=-2, maximum=2) or None


def _top_logprobs(body: Mapping[str, Any]) -> int | None:
    return (whole(body, "top_logprobs", minimum=0) or 0) if boolean(body, "logprobs") else None


def _others(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in body.items():
        if name not in READ_FIELDS and value is not None and value != NOTHING.get(name):
            yield name, value
    if any(record.get("audio") for record in body.get("messages", ())):
        # An earlier spoken answer, by an id that only its provider knows.
        yield "messages.audio", True
