"""The answer cache: per tenant, keyed by an HMAC of everything that shapes the answer, sealed."""

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import orjson
import structlog
from django.conf import settings

from apps.core.chat import AnswerPart, ChatResponse, Text, Thinking, TokenUsage, ToolCall, Turn
from apps.core.crypto import DecryptionFailed, seal, unseal
from apps.core.ids import named_id
from apps.core.turn_records import turn_of, turn_record
from apps.gateway.losses import refuses_loss
from apps.gateway.plain_answers import is_plain
from apps.gateway.types import Run

PURPOSE = "gateway.answer"
# Fields that say who asks or how the answer travels, not what it is.
UNSHAPING_FIELDS = frozenset(
    {"model", "stream", "stream_options", "metadata", "user", "safety_identifier"}
)

log = structlog.get_logger(__name__)


def answer_key(run: Run) -> str:
    """Return the Redis key of the answer; it starts with the tenant."""
    # As it goes out: what the rule sets shapes the answer too.
    chat, decision = run.outgoing, run.decided()
    shape = {
        # Not in their order, which changes with every call's news of the deployments.
        "models": sorted({attempt.model for attempt in decision.attempts}),
        "rule": decision.rule_id,
        "limit": decision.attempts[0].max_output_tokens,
        "before": [turn_record(turn) for turn in chat.before],
        "messages": [[message.role, message.text] for message in run.ask.chat.messages],
        "neutral": [chat.temperature, chat.top_p, chat.stop],
        "parameters": dict(chat.parameters),
        "refuses_loss": refuses_loss(run),
        "dialect": chat.dialect,
        # They reach a provider of the same dialect, which reads the body by them.
        "headers": dict(chat.headers),
        "raw": {name: value for name, value in chat.raw.items() if name not in UNSHAPING_FIELDS},
    }
    body = orjson.dumps(shape, option=orjson.OPT_SORT_KEYS)
    digest = hmac.new(settings.API_KEY_PEPPER, body, hashlib.sha256).hexdigest()
    return f"{run.ask.caller.tenant_id}:answer:{digest}"


def is_cacheable(response: ChatResponse) -> bool:
    """Only a finished answer is worth keeping; a call has an id that must not come twice.

    Vectors are large, and their callers keep them.
    """
    has_calls = any(isinstance(part, ToolCall) for part in response.parts)
    says_something = bool(response.text or response.parts or response.raw)
    is_whole = response.finish_reason == "stop" and says_something
    return is_whole and not has_calls and not response.vectors


def can_serve(run: Run, response: ChatResponse) -> bool:
    """Say whether a kept answer can be told in the form that is asked for."""
    return not run.ask.chat.stream or is_plain(response.raw_dialect, response.raw)


def seal_answer(key: str, run: Run, response: ChatResponse) -> bytes:
    """Return the answer as it is kept, bound to tenant and key."""
    usage = response.usage
    body = {
        "text": response.text,
        "finish_reason": response.finish_reason,
        "usage": {name: getattr(usage, name) for name in TokenUsage.__slots__},
        "model": run.model,
        "raw": dict(response.raw),
        "raw_dialect": response.raw_dialect,
        "parts": turn_record(Turn("assistant", response.parts)),
        "dropped": response.dropped,
        "stop_sequence": response.stop_sequence,
        "logprobs": response.logprobs,
    }
    text = orjson.dumps(body).decode()
    tenant = run.ask.caller.tenant_id
    return seal(text, purpose=PURPOSE, tenant_id=tenant, row_id=named_id(key)).encode()


def open_answer(key: str, run: Run, sealed: bytes) -> tuple[str, ChatResponse] | None:
    """Return the model and its answer; None (a miss) when it was tampered with."""
    tenant = run.ask.caller.tenant_id
    try:
        text = unseal(sealed.decode(), purpose=PURPOSE, tenant_id=tenant, row_id=named_id(key))
    except (DecryptionFailed, UnicodeDecodeError):
        log.warning("answer_cache.tampered", tenant=str(tenant))
        return None
    try:
        return _read(orjson.loads(text))
    except (KeyError, TypeError, ValueError):
        log.warning("answer_cache.of_another_version", tenant=str(tenant))
        return None


def _read(body: dict[str, Any]) -> tuple[str, ChatResponse]:
    response = ChatResponse(
        text=body["text"],
        finish_reason=body["finish_reason"],
        usage=TokenUsage(**body["usage"]),
        raw=body["raw"],
        raw_dialect=body["raw_dialect"],
        parts=tuple(_answer_parts(turn_of(body["parts"]))),
        dropped=tuple(body["dropped"]),
        stop_sequence=body["stop_sequence"],
        logprobs=body["logprobs"],
    )
    return body["model"], response


def _answer_parts(turn: Turn) -> Iterator[AnswerPart]:
    for part in turn.parts:
        if isinstance(part, Text | Thinking | ToolCall):
            yield part
