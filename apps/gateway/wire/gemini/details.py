"""What a Gemini body asks, in the neutral form. Pure.

Read only when the provider speaks another wire: Gemini itself gets the body as it is.
Source of the format: ai.google.dev/api/generate-content.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.chat import AnswerFormat, ChatDetails, Reasoning, Tool, ToolChoice
from apps.core.errors import InvalidRequest
from apps.gateway.wire.fields import LONGEST_NAME, boolean, mapping, number, text, texts, whole
from apps.gateway.wire.gemini.options import (
    CONFIG,
    config_of,
    thinking_of,
    tools_of,
    wants_json,
    whole_number,
)
from apps.gateway.wire.gemini.schemas import json_schema
from apps.gateway.wire.gemini.spelling import camelled
from apps.gateway.wire.gemini.turns import read_turns

# What `ChatRequest` says itself, what `ChatDetails` has a field for, and what shapes no answer.
READ_FIELDS = frozenset(
    {"model", "contents", "systemInstruction", "tools", "toolConfig", CONFIG, "labels", "store"}
)
READ_CONFIG = frozenset(
    {
        *("temperature", "topP", "topK", "maxOutputTokens", "stopSequences", "candidateCount"),
        *("seed", "presencePenalty", "frequencyPenalty", "responseMimeType", "responseSchema"),
        *("responseJsonSchema", "responseLogprobs", "logprobs", "thinkingConfig"),
        "responseModalities",
    }
)
# Without them the answer would be another one.
ONLY_GOOGLES = ("cachedContent",)
ONLY_GOOGLES_CONFIG = ("responseFormat",)
MODES: Mapping[str, Any] = {
    "AUTO": "auto",
    "ANY": "required",
    "NONE": "none",
    # Of words and calls, as the model likes.
    "VALIDATED": "auto",
}
LONGEST_DESCRIPTION = 1_000_000


def read_details(body: Mapping[str, Any]) -> ChatDetails:
    """Read a body that `request.parse` has accepted; raises InvalidRequest."""
    given, config = camelled(body), config_of(body)
    _refuse_what_only_google_has(given, config)
    return ChatDetails(
        turns=read_turns(given),
        tools=tuple(_tools(given)),
        tool_choice=_tool_choice(given),
        answer_format=_answer_format(config),
        reasoning=_reasoning(thinking_of(config)),
        top_k=whole_number(config, "topK", minimum=0),
        seed=whole(config, "seed", minimum=-(2**63)),
        top_logprobs=_top_logprobs(config),
        frequency_penalty=_penalty(config, "frequencyPenalty"),
        presence_penalty=_penalty(config, "presencePenalty"),
        others=dict(_others(given, config)),
    )


def _refuse_what_only_google_has(given: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    found = [name for name in ONLY_GOOGLES if given.get(name)]
    found += [f"{CONFIG}.{name}" for name in ONLY_GOOGLES_CONFIG if config.get(name)]
    if found:
        raise InvalidRequest(f"{found[0]} is known to Google's models only", param=found[0])
    modalities = texts(config, "responseModalities")
    if any(modality.upper() != "TEXT" for modality in modalities):
        message = "only Google's models answer with more than text"
        raise InvalidRequest(message, param=f"{CONFIG}.responseModalities")


def _tools(given: Mapping[str, Any]) -> Iterator[Tool]:
    for tool, at in tools_of(given):
        for name, value in tool.items():
            if name != "functionDeclarations" and value is not None:
                # An empty object is how they are asked for.
                message = f"{name} is a tool of Google's own: this provider does not have it"
                raise InvalidRequest(message, param=f"{at}.{name}")
        declarations = tool.get("functionDeclarations") or ()
        if not isinstance(declarations, list | tuple):
            message = "functionDeclarations is a list"
            raise InvalidRequest(message, param=f"{at}.functionDeclarations")
        for index, declaration in enumerate(declarations):
            yield _tool(declaration, f"{at}.functionDeclarations[{index}]")


def _tool(declaration: Any, at: str) -> Tool:
    if not isinstance(declaration, dict) or not isinstance(declaration.get("name"), str):
        raise InvalidRequest("a function is an object with a name", param=at)
    given = camelled(declaration)
    schema = mapping(given, "parametersJsonSchema") or None
    if schema is None and given.get("parameters") is not None:
        schema = json_schema(given["parameters"], f"{at}.parameters")
    return Tool(
        name=given["name"],
        description=text(given, "description", longest=LONGEST_DESCRIPTION),
        schema=schema or None,
    )


def _tool_choice(given: Mapping[str, Any]) -> ToolChoice | None:
    config = camelled(mapping(given, "toolConfig"))
    choice = camelled(mapping(config, "functionCallingConfig"))
    mode = text(choice, "mode", longest=LONGEST_NAME).upper()
    if mode in ("", "MODE_UNSPECIFIED"):
        return None
    if mode not in MODES:
        message = f"mode is one of {', '.join(MODES)}"
        raise InvalidRequest(message, param="toolConfig.functionCallingConfig.mode")
    # With AUTO the names mean nothing to Gemini either.
    allowed = () if mode == "AUTO" else texts(choice, "allowedFunctionNames")
    return ToolChoice(MODES[mode], allowed if mode != "NONE" else ())


def _answer_format(config: Mapping[str, Any]) -> AnswerFormat | None:
    kind = text(config, "responseMimeType", longest=LONGEST_NAME)
    if kind not in ("", "text/plain", "application/json"):
        message = f"only Google's models answer in {kind}"
        raise InvalidRequest(message, param=f"{CONFIG}.responseMimeType")
    if not wants_json(config):
        return None
    schema = mapping(config, "responseJsonSchema")
    if not schema and config.get("responseSchema"):
        schema = json_schema(config["responseSchema"], f"{CONFIG}.responseSchema")
    return AnswerFormat(schema=schema or None)


def _reasoning(thinking: Mapping[str, Any]) -> Reasoning | None:
    level = text(thinking, "thinkingLevel", longest=LONGEST_NAME).lower()
    budget = whole(thinking, "thinkingBudget", minimum=-1)
    if level in ("", "thinking_level_unspecified"):
        return None if budget is None else Reasoning(budget_tokens=budget)
    return Reasoning(level)


def _top_logprobs(config: Mapping[str, Any]) -> int | None:
    if not boolean(config, "responseLogprobs"):
        return None
    return whole(config, "logprobs", minimum=0) or 0


def _penalty(config: Mapping[str, Any], name: str) -> float | None:
    return number(config, name, minimum=-2, maximum=2) or None


def _others(given: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    tool_config = camelled(mapping(given, "toolConfig"))
    for prefix, record, known in (
        ("", given, READ_FIELDS),
        (f"{CONFIG}.", config, READ_CONFIG),
        ("toolConfig.", tool_config, ("functionCallingConfig",)),
    ):
        for name, value in record.items():
            if name not in known and value:
                yield f"{prefix}{name}", value
