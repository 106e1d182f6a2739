"""What we ask Anthropic's messages endpoint, built from the neutral request."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.core.chat import ChatDetails, ChatRequest
from apps.providers.adapters.anthropic.content import Block
from apps.providers.adapters.anthropic.families import (
    KEEPS_SCHEMAS_FROM,
    MOST_TOKENS,
    Version,
    usual_max_tokens,
    version_of,
)
from apps.providers.adapters.anthropic.thinking import MIN_ANSWER, build_thinking
from apps.providers.adapters.anthropic.tools import (
    ANSWER_TOOL,
    build_tool_choice,
    build_tools,
    is_forced,
    needs_answer_tool,
)
from apps.providers.adapters.anthropic.turns import Thread, build_system, build_thread, may_think
from apps.providers.adapters.base import ProviderCall
from apps.providers.adapters.failures import not_expressible
from apps.providers.adapters.sdk import read_details

MAX_TEMPERATURE = 1.0
MAX_CACHE_MARKS = 4
JSON_ONLY = "Answer with one JSON object and nothing else: no other words, no code fence."


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The arguments of `messages.create`, and what the request lost on the way.

    `answer_tool` is the tool, if any, whose arguments are the answer that the caller asked for.
    """

    arguments: dict[str, Any]
    dropped: list[str]
    answer_tool: str = ""


def build_request(call: ProviderCall) -> Outgoing:
    """Translate the request; raises AttemptError for what the wire cannot express."""
    request, details, dropped = call.request, read_details(call.request), list[str]()
    version = version_of(call.connection.upstream_model)
    _note_what_has_no_place(details, dropped)
    system, thread = _conversation(details, dropped)
    arguments: dict[str, Any] = {
        "model": call.connection.upstream_model,
        "messages": thread,
        **_texts(request, system, dropped),
        **_tools(details, version, dropped),
    }
    arguments |= _limit_and_thinking(call, details, version, arguments, dropped)
    _set_output_config(arguments, details, version)
    sampling = _sampling(request, details, dropped, is_thinking=_is_thinking(arguments))
    if sampling:
        # The SDK has no names for these any more; some models still take them.
        arguments["extra_body"] = sampling
    _limit_cache_marks(arguments, dropped)
    is_tool = needs_answer_tool(details.answer_format, version)
    return Outgoing(arguments, dropped, ANSWER_TOOL if is_tool else "")


def _note_what_has_no_place(details: ChatDetails, dropped: list[str]) -> None:
    if details.choices > 1:
        raise not_expressible("this provider gives one choice per request", param="n")
    if details.seed is not None:
        dropped.append("seed")
    if details.top_logprobs is not None:
        dropped.append("logprobs")
    if details.frequency_penalty:
        dropped.append("frequency_penalty")
    if details.presence_penalty:
        dropped.append("presence_penalty")
    dropped += details.others


def _conversation(details: ChatDetails, dropped: list[str]) -> tuple[list[Block], Thread]:
    system = build_system(details.turns, dropped)
    thread = build_thread(details.turns, dropped)
    if not thread:
        # Instructions alone are legal elsewhere: they become the question.
        question = system or [{"type": "text", "text": "…"}]
        return [], [{"role": "user", "content": question}]
    wanted = details.answer_format
    if wanted is not None and wanted.schema is None:
        system.append({"type": "text", "text": JSON_ONLY})
    return system, thread


def _texts(request: ChatRequest, system: list[Block], dropped: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if system:
        is_marked = any("cache_control" in block for block in system)
        found["system"] = system if is_marked else "\n\n".join(block["text"] for block in system)
    stops = [stop for stop in request.stop if stop.strip()]
    if stops:
        found["stop_sequences"] = stops
    if len(stops) < len(request.stop):
        dropped.append("stop")
    if request.user:
        found["metadata"] = {"user_id": request.user}
    return found


def _tools(details: ChatDetails, version: Version, dropped: list[str]) -> dict[str, Any]:
    tools = build_tools(details, version, dropped)
    choice = build_tool_choice(details, version)
    return ({"tools": tools} if tools else {}) | ({"tool_choice": choice} if choice else {})


def _limit_and_thinking(
    call: ProviderCall,
    details: ChatDetails,
    version: Version,
    arguments: dict[str, Any],
    dropped: list[str],
) -> dict[str, Any]:
    limit = call.max_output_tokens or call.request.max_output_tokens
    is_begun = arguments["messages"][-1]["role"] == "assistant"
    found = build_thinking(
        details.reasoning,
        version,
        limit=limit,
        is_free=not is_begun and not is_forced(arguments.get("tool_choice")),
        is_signed=may_think(details.turns),
        dropped=dropped,
    )
    budget = found.get("thinking", {}).get("budget_tokens", 0)
    usual = min(usual_max_tokens(version) + budget, MOST_TOKENS)
    return {**found, "max_tokens": limit or max(usual, budget + MIN_ANSWER)}


def _set_output_config(arguments: dict[str, Any], details: ChatDetails, version: Version) -> None:
    config: dict[str, Any] = {}
    effort = arguments.pop("effort", None)
    if effort:
        config["effort"] = effort
    wanted = details.answer_format
    if wanted is not None and wanted.schema is not None and version >= KEEPS_SCHEMAS_FROM:
        config["format"] = {"type": "json_schema", "schema": dict(wanted.schema)}
    if config:
        arguments["output_config"] = config


def _is_thinking(arguments: dict[str, Any]) -> bool:
    return arguments.get("thinking", {}).get("type") in ("enabled", "adaptive")


def _sampling(
    request: ChatRequest, details: ChatDetails, dropped: list[str], *, is_thinking: bool
) -> dict[str, float]:
    """Return one of temperature and top_p at most: models refuse both together, and more than 1."""
    given = {"temperature": request.temperature, "top_p": request.top_p, "top_k": details.top_k}
    wanted = {name: value for name, value in given.items() if value is not None}
    kept = {} if is_thinking else dict(wanted)
    if "temperature" in kept:
        kept.pop("top_p", None)
        kept["temperature"] = min(kept["temperature"], MAX_TEMPERATURE)
    dropped += [name for name, value in wanted.items() if kept.get(name) != value]
    return kept


def _limit_cache_marks(arguments: dict[str, Any], dropped: list[str]) -> None:
    """Keep the last marks: the longest prefixes are worth the most."""
    marked = [block for block in _all_blocks(arguments) if "cache_control" in block]
    for block in marked[:-MAX_CACHE_MARKS]:
        del block["cache_control"]
        dropped.append("cache_control")


def _all_blocks(arguments: dict[str, Any]) -> Iterator[Block]:
    """Walk in the order in which the provider reads: tools, system, messages."""
    yield from arguments.get("tools", ())
    system = arguments.get("system", ())
    yield from system if isinstance(system, list) else ()
    for message in arguments["messages"]:
        for block in message["content"]:
            yield from block.get("content", ())
            yield block
