"""What we ask Anthropic's messages endpoint, built from the neutral request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.core.chat import ChatDetails, ChatRequest
from apps.providers.adapters.anthropic.content import Block
from apps.providers.adapters.anthropic.families import Abilities, abilities_of
from apps.providers.adapters.anthropic.names import legal_name
from apps.providers.adapters.anthropic.passthrough import is_same_dialect, pass_through
from apps.providers.adapters.anthropic.thinking import MIN_ANSWER, build_thinking
from apps.providers.adapters.anthropic.tools import (
    build_tool_choice,
    build_tools,
    is_forced,
    needs_answer_tool,
)
from apps.providers.adapters.anthropic.turns import Thread, build_system, build_thread, may_think
from apps.providers.adapters.base import Connection, ProviderCall
from apps.providers.adapters.failures import not_expressible, refuse_losses
from apps.providers.adapters.registry import address_of
from apps.providers.adapters.sdk import read_details
from apps.providers.adapters.translation import ANSWER_TOOL, JSON_ONLY, callers_names

# The older version takes all that the newer one takes, and how to sample as well
# (platform.claude.com/docs/en/api/migration-2026-10-21).
API_VERSION = "2026-10-21"
OLDER_VERSION = "2023-06-01"
# What a client says of how its body is to be read.
FORWARDED_HEADERS = ("anthropic-version", "anthropic-beta")
SAMPLING = ("temperature", "top_p", "top_k")
MAX_TEMPERATURE = 1.0
MAX_CACHE_MARKS = 4


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The body that goes out, and what the request lost on the way.

    `answer_tool` is the tool, if any, whose arguments are the answer that the caller asked for;
    `names` are the caller's own, by those that go out, where they differ.
    """

    body: dict[str, Any]
    dropped: list[str]
    answer_tool: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def drop_sampling(self) -> bool:
        """Take out how to sample, and note it; says whether there was anything to take out."""
        lost = [name for name in SAMPLING if self.body.pop(name, None) is not None]
        self.dropped.extend(lost)
        return bool(lost)


def build_url(connection: Connection) -> str:
    """Return the address of messages."""
    return f"{address_of(connection).rstrip('/')}/v1/messages"


def build_headers(call: ProviderCall, body: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a call; of the client's own, those that concern this wire alone."""
    is_same = is_same_dialect(call.request)
    given = call.request.headers if is_same else {}
    # A body that somebody else has written may be of the older version, like one that samples.
    is_older = is_same or any(name in body for name in SAMPLING)
    headers = {"anthropic-version": OLDER_VERSION if is_older else API_VERSION}
    headers |= {name: given[name] for name in FORWARDED_HEADERS if name in given}
    headers["content-type"] = "application/json"
    if call.connection.secret:
        headers["authorization"] = f"Bearer {call.connection.secret}"
    return headers


def build_request(call: ProviderCall, *, is_streamed: bool = False) -> Outgoing:
    """Return what goes out; raises AttemptError for what the wire cannot express."""
    if is_same_dialect(call.request):
        dropped = list[str]()
        outgoing = Outgoing(pass_through(call, dropped), dropped)
        refuse_losses(call, dropped)
    else:
        outgoing = _translated(call)
    if is_streamed:
        outgoing.body["stream"] = True
    else:
        outgoing.body.pop("stream", None)
    return outgoing


def _translated(call: ProviderCall) -> Outgoing:
    request, details, dropped = call.request, read_details(call.request), list[str]()
    abilities = abilities_of(call)
    _note_what_has_no_place(call.request, details, dropped)
    system, thread = _conversation(details, dropped)
    body: dict[str, Any] = {
        "model": call.connection.upstream_model,
        "messages": thread,
        **_texts(request, system, dropped),
        **_tools(details, abilities, dropped),
    }
    body |= _limit_and_thinking(call, details, abilities, body, dropped)
    _set_output_config(body, details, abilities)
    body |= _sampling(request, details, dropped, is_thinking=_is_thinking(body))
    _limit_cache_marks(body, dropped)
    refuse_losses(call, dropped)
    is_tool = needs_answer_tool(details.answer_format, abilities)
    names = callers_names(details, legal_name)
    return Outgoing(body, dropped, ANSWER_TOOL if is_tool else "", names)


def _note_what_has_no_place(request: ChatRequest, details: ChatDetails, dropped: list[str]) -> None:
    if request.choices > 1:
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


def _tools(details: ChatDetails, abilities: Abilities, dropped: list[str]) -> dict[str, Any]:
    tools = build_tools(details, abilities, dropped)
    choice = build_tool_choice(details, abilities)
    return ({"tools": tools} if tools else {}) | ({"tool_choice": choice} if choice else {})


def _limit_and_thinking(
    call: ProviderCall,
    details: ChatDetails,
    abilities: Abilities,
    body: dict[str, Any],
    dropped: list[str],
) -> dict[str, Any]:
    limit = call.max_output_tokens or call.request.max_output_tokens
    is_begun = body["messages"][-1]["role"] == "assistant"
    found = build_thinking(
        details.reasoning,
        abilities,
        limit=limit,
        is_free=not is_begun and not is_forced(body.get("tool_choice")),
        is_signed=may_think(details.turns),
        dropped=dropped,
    )
    budget = found.get("thinking", {}).get("budget_tokens", 0)
    return {
        **found,
        "max_tokens": limit or max(abilities.tokens_with(budget), budget + MIN_ANSWER),
    }


def _set_output_config(body: dict[str, Any], details: ChatDetails, abilities: Abilities) -> None:
    config: dict[str, Any] = {}
    effort = body.pop("effort", None)
    if effort:
        config["effort"] = effort
    wanted = details.answer_format
    if wanted is not None and wanted.schema is not None and abilities.keeps_schemas:
        config["format"] = {"type": "json_schema", "schema": dict(wanted.schema)}
    if config:
        body["output_config"] = config


def _is_thinking(body: dict[str, Any]) -> bool:
    return body.get("thinking", {}).get("type") in ("enabled", "adaptive")


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


def _limit_cache_marks(body: dict[str, Any], dropped: list[str]) -> None:
    """Keep the last marks: the longest prefixes are worth the most."""
    marked = [block for block in _all_blocks(body) if "cache_control" in block]
    for block in marked[:-MAX_CACHE_MARKS]:
        del block["cache_control"]
        dropped.append("cache_control")


def _all_blocks(body: dict[str, Any]) -> Iterator[Block]:
    """Walk in the order in which the provider reads: tools, system, messages."""
    yield from body.get("tools", ())
    system = body.get("system", ())
    yield from system if isinstance(system, list) else ()
    for message in body["messages"]:
        for block in message["content"]:
            yield from block.get("content", ())
            yield block
