"""Facts of a request: everything that rules and filters may read, gathered once.

What costs something is gathered only when a published rule reads it (see `routing.questions`).
"""

import datetime as dt
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from apps.api_keys.budget_left import budget_left_percent
from apps.core.chat import Message
from apps.core.clock import unix_ms
from apps.gateway.language import detector
from apps.gateway.prompt_prefix import prefix_digest, prefix_tokens
from apps.gateway.prompt_size import estimate_prompt
from apps.gateway.types import Run
from apps.routing.engine.types import LocalTime, RequestFacts

CLOCK_FIELDS = ("time_of_day", "weekday", "date", "holiday")
LONGEST_HEADER = 200


async def gather(run: Run) -> RequestFacts:
    """Return the facts of a prepared run."""
    ask, caller, chat = run.ask, run.ask.caller, run.ask.chat
    now_ms = unix_ms()
    prompt_tokens = estimate_prompt(run, chat.model)
    return RequestFacts(
        request_id=run.request_id,
        tenant=caller.tenant_slug,
        project=caller.project_slug,
        key_id=str(caller.key_id),
        key_tags=caller.tags,
        door=ask.door,
        requested_model=chat.model,
        tags=ask.tags,
        prompt_tokens=prompt_tokens,
        max_output_tokens=chat.max_output_tokens,
        choices=chat.choices,
        needs=tuple(sorted(chat.needs)),
        allowed_models=caller.allowed_models,
        now_ms=now_ms,
        arrived_ms=run.started_ms,
        dialect=chat.dialect,
        user=chat.user,
        metadata=chat.metadata,
        temperature=chat.temperature,
        message_length=sum(len(message.text) for message in chat.messages),
        allowed_regions=caller.allowed_regions,
        data_class=caller.data_class,
        prompt_template=ask.prompt_template,
        conversation=run.context.id if run.context else "",
        is_continued=bool(run.context and run.context.turns),
        **await _asked_for(run, prompt_tokens, now_ms),
    )


async def _asked_for(run: Run, prompt_tokens: int, now_ms: int) -> dict[str, Any]:
    """Return the facts that cost something, as far as the rules in force read them."""
    asked, ask = run.pinned.questions, run.ask
    found: dict[str, Any] = {}
    if asked.headers:
        found["headers"] = _headers(run, asked.headers)
    if asked.search is not None:
        found["patterns"] = asked.search.look("\n".join(m.text for m in ask.chat.messages))
    if asked.needs_prefix:
        found["prefix"] = prefix_digest(ask.caller.tenant_id, run.messages)
        found["prefix_tokens"] = prefix_tokens(ask.chat.model, run.messages, prompt_tokens)
    if asked.asks(CLOCK_FIELDS):
        found["local_time"] = local_time(now_ms, ask.caller.tenant_time_zone)
    if asked.asks(("language",)):
        found["language"] = await detector.language_of(_spoken(ask.chat.messages))
    if asked.asks(("budget_left_percent",)):
        left = await budget_left_percent(ask.caller, run.started_ms)
        found["budget_left_percent"] = left
    return found


def local_time(now_ms: int, time_zone: str) -> LocalTime:
    """Return what a clock in the time zone shows."""
    local = dt.datetime.fromtimestamp(now_ms / 1000, _zone(time_zone))
    return LocalTime(local.date().isoformat(), local.hour * 60 + local.minute, local.weekday())


@lru_cache(maxsize=1_024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _headers(run: Run, wanted: frozenset[str]) -> dict[str, str]:
    """Return the wanted headers that were sent; one sent twice is joined as HTTP says."""
    found: dict[str, str] = {}
    for raw_name, raw_value in run.ask.headers:
        name = raw_name.decode("latin-1").lower()
        if name in wanted:
            value = raw_value.decode("latin-1").replace("\0", "").strip()
            joined = f"{found[name]}, {value}" if name in found else value
            found[name] = joined[:LONGEST_HEADER]
    return found


def _spoken(messages: tuple[Message, ...]) -> tuple[str, str]:
    """Return what tells the language: the user's last message, else all that the user said."""
    said = [message.text for message in messages if message.role == "user"]
    return said[-1] if said else "", "\n".join(reversed(said[:-1]))
