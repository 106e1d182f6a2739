"""What a body of the Responses API asks beside its input, in the neutral form. Pure.

Source of the format: OpenAI's API reference, "Responses" (create).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.chat import AnswerFormat, ChatDetails, Reasoning, Tool, ToolChoice, Turn
from apps.core.errors import InvalidRequest
from apps.gateway.wire.fields import (
    LONGEST_NAME,
    flag,
    mapping,
    records,
    text,
    texts,
    whole,
)

LONGEST_TEXT = 1_000_000
# What `ChatRequest` says itself, what `ChatDetails` has a field for, and what shapes no answer.
READ_FIELDS = frozenset(
    {
        *("model", "input", "instructions", "max_output_tokens", "temperature", "top_p", "stream"),
        *("stream_options", "tools", "tool_choice", "parallel_tool_calls", "text", "reasoning"),
        *("metadata", "user", "safety_identifier", "store", "previous_response_id", "include"),
        *("top_logprobs", "max_tool_calls"),
    }
)
# Values that ask for nothing.
NOTHING: Mapping[str, Any] = {"truncation": "disabled", "service_tier": "auto", "background": False}
# Only OpenAI's own servers keep what these name, and nothing can stand in for it.
ELSEWHERE: Mapping[str, str] = {
    "conversation": "go on with previous_response_id: conversations are not kept by id here",
    "prompt": "prompts that OpenAI stores cannot be read here: send instructions",
    "background": "a response is answered at once: leave background out",
}
ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
MODES = ("auto", "none", "required")


def read_details(body: Mapping[str, Any], turns: tuple[Turn, ...]) -> ChatDetails:
    """Read a body in full; raises InvalidRequest naming the field."""
    _refuse_what_is_elsewhere(body)
    return ChatDetails(
        turns=turns,
        tools=tuple(_tools(body)),
        tool_choice=_tool_choice(body),
        has_parallel_calls=flag(body, "parallel_tool_calls"),
        answer_format=_answer_format(body),
        reasoning=_reasoning(body),
        top_logprobs=_top_logprobs(body),
        others=dict(_others(body)),
    )


def _refuse_what_is_elsewhere(body: Mapping[str, Any]) -> None:
    for name, remedy in ELSEWHERE.items():
        if body.get(name):
            raise InvalidRequest(remedy, param=name)


def _tools(body: Mapping[str, Any]) -> Iterator[Tool]:
    for index, tool in enumerate(records(body, "tools")):
        at = f"tools[{index}]"
        if not isinstance(tool, dict):
            raise InvalidRequest("a tool is an object with a type", param=at)
        if tool.get("type") != "function":
            named = f"tools of the type {tool.get('type')!r} are hosted by OpenAI"
            raise InvalidRequest(f"{named}: only functions can be called here", param=at)
        if not isinstance(tool.get("name"), str):
            raise InvalidRequest("a function has a name", param=f"{at}.name")
        yield Tool(
            name=tool["name"],
            description=text(tool, "description", longest=LONGEST_TEXT),
            schema=mapping(tool, "parameters") or None,
            is_strict=flag(tool, "strict"),
        )


def _tool_choice(body: Mapping[str, Any]) -> ToolChoice | None:
    choice = body.get("tool_choice")
    if choice is None:
        return None
    if choice in MODES:
        return ToolChoice(choice)
    if not isinstance(choice, dict):
        known = ", ".join(MODES)
        raise InvalidRequest(f"tool_choice is one of {known}, or an object", param="tool_choice")
    if choice.get("type") != "allowed_tools":
        return ToolChoice("required", (_chosen_name(choice),))
    mode = choice.get("mode", "auto")
    if mode not in ("auto", "required"):
        raise InvalidRequest("mode is auto or required", param="tool_choice.mode")
    return ToolChoice(mode, tuple(_chosen_name(tool) for tool in records(choice, "tools")))


def _chosen_name(choice: Any) -> str:
    is_function = isinstance(choice, dict) and choice.get("type") == "function"
    name = choice.get("name") if is_function else None
    if not isinstance(name, str):
        raise InvalidRequest("name the function that is meant", param="tool_choice")
    return name


def _answer_format(body: Mapping[str, Any]) -> AnswerFormat | None:
    wanted = mapping(mapping(body, "text"), "format")
    kind = wanted.get("type", "text")
    if kind == "text":
        return None
    if kind == "json_object":
        return AnswerFormat()
    if kind != "json_schema":
        known = "text, json_object or json_schema"
        raise InvalidRequest(f"the type is {known}", param="text.format.type")
    if not isinstance(wanted.get("schema"), dict):
        raise InvalidRequest("schema is an object", param="text.format.schema")
    return AnswerFormat(
        name=text(wanted, "name", longest=LONGEST_NAME),
        description=text(wanted, "description", longest=LONGEST_TEXT),
        schema=wanted["schema"],
        is_strict=flag(wanted, "strict"),
    )


def _reasoning(body: Mapping[str, Any]) -> Reasoning | None:
    effort = text(mapping(body, "reasoning"), "effort", longest=LONGEST_NAME)
    return Reasoning(effort) if effort else None


def _top_logprobs(body: Mapping[str, Any]) -> int | None:
    wanted = whole(body, "top_logprobs", minimum=0)
    return wanted or (0 if LOGPROBS in texts(body, "include") else None)


def _others(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in body.items():
        if name not in READ_FIELDS and value is not None and value != NOTHING.get(name):
            yield name, value
    # Thoughts come signed, and summed up where the provider does so, whoever asks.
    for name in texts(body, "include"):
        if name not in (ENCRYPTED, LOGPROBS):
            yield f"include.{name}", True
    reasoning = mapping(body, "reasoning")
    for name in ("context", "mode"):
        if reasoning.get(name) is not None:
            yield f"reasoning.{name}", reasoning[name]
    verbosity = mapping(body, "text").get("verbosity")
    if verbosity is not None:
        yield "text.verbosity", verbosity
