"""What Anthropic demands of a request for a message: the 400s of its API, in its own words."""

import re
from collections.abc import Iterator
from typing import Any

from apps.providers.wire_servers.anthropic.tools import check_tools
from apps.providers.wire_servers.anthropic.turns import (
    THOUGHTS,
    blocks_of,
    check_block,
    check_messages,
)
from apps.providers.wire_servers.demands import demand, is_whole, is_within, unknown_keys
from apps.providers.wire_servers.exchange import Exchange, Json

COUNTED = (
    *("messages", "model", "system", "tools", "tool_choice", "thinking", "output_config"),
    *("context_management", "mcp_servers", "cache_control", "betas", "speed"),
)
KNOWN = (
    *(*COUNTED, "max_tokens", "metadata", "stop_sequences", "stream", "temperature", "top_k"),
    *("top_p", "service_tier", "container", "inference_geo", "user_profile_id"),
)
THINKING_TYPES = ("enabled", "disabled", "adaptive", "between_tools")
LEAST_BUDGET = 1024
MAX_CACHE_POINTS = 4
# Refuses how to sample, documents of the assistant and citations of the user
# (platform.claude.com/docs/en/api/migration-2026-10-21).
STRICTER_VERSION = "2026-10-21"
SAMPLING = ("temperature", "top_p", "top_k")
# These refuse the two ways of sampling together.
ONE_SAMPLING = re.compile(r"claude-(opus|sonnet|haiku)-4-[1-9]")


def check_create(exchange: Exchange) -> None:
    """Raise Refusal where Anthropic would answer 400 to a request for a message."""
    body = exchange.body
    demand("max_tokens" in body, "max_tokens: Field required")
    message = "max_tokens: Input should be greater than or equal to 1"
    demand(is_whole(body["max_tokens"], least=1), message)
    _check_shared(exchange, KNOWN)
    _check_sampling(body)
    if (body.get("thinking") or {}).get("type") == "enabled":
        _check_budget(body)


def check_count(exchange: Exchange) -> None:
    """Raise Refusal where Anthropic would not count the tokens of a request."""
    _check_shared(exchange, COUNTED)


def _check_shared(exchange: Exchange, known: tuple[str, ...]) -> None:
    body = exchange.body
    demand(body.get("model"), "model: Field required")
    if not exchange.script.accepts_unknown:
        for name in unknown_keys(body, known):
            demand(False, f"{name}: Extra inputs are not permitted")
    for at, block in enumerate(blocks_of(body.get("system"))):
        check_block(f"system.{at}", block)
    check_messages(body.get("messages"))
    if exchange.request.headers["anthropic-version"] >= STRICTER_VERSION:
        _check_what_is_removed(body)
    check_tools(body)
    found = sum(1 for _point in _cache_points(body))
    message = f"A maximum of {MAX_CACHE_POINTS} blocks with cache_control may be provided."
    demand(found <= MAX_CACHE_POINTS, f"{message} Found {found}.")
    _check_thinking(body)


def _check_what_is_removed(body: Json) -> None:
    for name in SAMPLING:
        demand(name not in body, f"{name}: Extra inputs are not permitted")
    for at, message in enumerate(body["messages"]):
        for block in blocks_of(message["content"]):
            kinds = (message["role"], block.get("type"))
            place = f"messages.{at}.content"
            demand(kinds != ("assistant", "document"), f"{place}: Input tag 'document' found")
            is_cited = kinds == ("user", "text") and bool(block.get("citations"))
            demand(not is_cited, f"{place}.text.citations: Extra inputs are not permitted")


def _check_sampling(body: Json) -> None:
    demand(is_within(body.get("temperature"), 1), "temperature: range: 0..1")
    demand(is_within(body.get("top_p"), 1), "top_p: range: 0..1")
    is_both = body.get("temperature") is not None and body.get("top_p") is not None
    demand(
        not (is_both and ONE_SAMPLING.match(body["model"])),
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    )
    stops = body.get("stop_sequences") or []
    is_spaced = all(isinstance(stop, str) and stop.strip() for stop in stops)
    demand(is_spaced, "stop_sequences: each stop sequence must contain non-whitespace")


def _cache_points(subject: Any) -> Iterator[Json]:
    """Yield every block that is marked, also inside of tool results; never inside of schemas."""
    if isinstance(subject, list):
        for one in subject:
            yield from _cache_points(one)
    elif isinstance(subject, dict):
        if subject.get("cache_control"):
            yield subject
        for key in ("system", "tools", "messages", "content"):
            yield from _cache_points(subject.get(key))


def _check_thinking(body: Json) -> None:
    thinking = body.get("thinking") or {"type": "disabled"}
    kind = thinking.get("type")
    demand(kind in THINKING_TYPES, f"thinking: Input tag '{kind}' does not match any tag")
    if kind == "enabled":
        _check_first_is_thought(body["messages"])
    if kind != "disabled":
        is_forced = (body.get("tool_choice") or {}).get("type") in ("any", "tool")
        demand(not is_forced, "Thinking may not be enabled when tool_choice forces tool use.")


def _check_budget(body: Json) -> None:
    budget = body["thinking"].get("budget_tokens")
    message = "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
    demand(is_whole(budget, least=LEAST_BUDGET), message)
    message = "`max_tokens` must be greater than `thinking.budget_tokens`."
    demand(budget < body["max_tokens"], message)
    is_default = body.get("temperature") in (None, 1)
    demand(is_default, "`temperature` may only be set to 1 when thinking is enabled.")
    demand(body.get("top_k") is None, "`top_k` must be unset when thinking is enabled.")


def _check_first_is_thought(messages: list[Json]) -> None:
    """A turn that waits for tool results begins with its thought, when thinking is on."""
    turns = [m for m in messages if m["role"] == "assistant"]
    blocks = blocks_of(turns[-1]["content"]) if turns else []
    # A new question of the user closes the turn; then thoughts may be left out.
    last = blocks_of(messages[-1]["content"])
    is_open = bool(last) and last[0].get("type") == "tool_result"
    if is_open and blocks:
        kind = blocks[0]["type"]
        place = f"messages.{messages.index(turns[-1])}.content.0.type"
        message = f"{place}: Expected `thinking` or `redacted_thinking`, but found `{kind}`."
        demand(
            kind in THOUGHTS,
            f"{message} When `thinking` is enabled, a final `assistant`"
            " message must start with a thinking block.",
        )
