"""Signed thoughts behind tool calls, kept for clients whose dialect has no place for them.

Some providers refuse the next turn of a tool loop without what they signed. It is kept for a day in
Redis: sealed, per project, under the first call of the answer. Redis is a cache here: every fault
of it is a miss, logged, never an error of the request.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from apps.api_keys.types import Caller
from apps.core.chat import AnswerPart, ChatResponse, Part, Thinking, ToolCall, Turn
from apps.core.crypto import DecryptionFailed, seal, unseal
from apps.core.ids import named_id
from apps.core.redis import hot_redis
from apps.core.turn_records import turn_of, turn_record

PURPOSE = "gateway.thoughts"
KEPT_SECONDS = 86_400
MOST_CHARACTERS = 500_000
# Of a long loop the newest answers are looked up.
MOST_ANSWERS = 200

log = structlog.get_logger(__name__)

# What was signed in an earlier answer, by the place of its turn.
type Recalled = Mapping[int, tuple[Part, ...]]


async def keep(caller: Caller, response: ChatResponse) -> None:
    """Keep what the provider signed in answers that call tools; others need no trip."""
    for answer in response.answers:
        await _keep(caller, answer.parts)


async def _keep(caller: Caller, parts: Sequence[AnswerPart]) -> None:
    signed = tuple(_signed(parts))
    first = _first_call(parts)
    if first is None or not any(map(_has_signature, signed)):
        return
    record = json.dumps(turn_record(Turn("assistant", signed)), ensure_ascii=False)
    if len(record) > MOST_CHARACTERS:
        log.warning("thoughts.too_long", tenant=str(caller.tenant_id), characters=len(record))
        return
    key = _key(caller, first)
    sealed = seal(record, purpose=PURPOSE, tenant_id=caller.tenant_id, row_id=named_id(key))
    try:
        await hot_redis().set(key, sealed, ex=KEPT_SECONDS)
    except RedisError as error:
        log.warning("thoughts.unwritable", error=str(error))


async def recall(caller: Caller, turns: Sequence[Turn]) -> Recalled:
    """Return what is kept for those turns that call tools and have lost it; one trip at most."""
    places, keys = [], []
    for place, turn in enumerate(turns):
        first = _first_call(turn.parts)
        if first is not None and not any(map(_has_signature, turn.parts)):
            places.append(place)
            keys.append(_key(caller, first))
    if not keys:
        return {}
    places, keys = places[-MOST_ANSWERS:], keys[-MOST_ANSWERS:]
    try:
        found: list[Any] = await hot_redis().mget(keys)
    except RedisError as error:
        log.warning("thoughts.unreadable", error=str(error))
        return {}
    kept = zip(places, keys, found, strict=True)
    return {place: _opened(caller, key, sealed) for place, key, sealed in kept if sealed}


def put_back(turns: Sequence[Turn], recalled: Recalled, origin: str) -> tuple[Turn, ...]:
    """Return the turns with what the provider of this origin has signed in them."""
    return tuple(
        _with_signed(turn, [part for part in recalled.get(place, ()) if _origin(part) == origin])
        for place, turn in enumerate(turns)
    )


def _with_signed(turn: Turn, kept: Sequence[Part]) -> Turn:
    thoughts = [part for part in kept if isinstance(part, Thinking)]
    calls = {part.id: part for part in kept if isinstance(part, ToolCall)}
    # Thoughts that came back unsigned are the same ones.
    rest = [part for part in turn.parts if not (thoughts and isinstance(part, Thinking))]
    signed = (_signed_call(part, calls) if isinstance(part, ToolCall) else part for part in rest)
    return replace(turn, parts=(*thoughts, *signed))


def _signed_call(call: ToolCall, kept: Mapping[str, ToolCall]) -> ToolCall:
    known = kept.get(call.id)
    return replace(call, signature=known.signature, origin=known.origin) if known else call


def _signed(parts: Sequence[Part]) -> Iterator[Part]:
    """Walk over what is worth keeping; the arguments come back with the call."""
    for part in parts:
        if isinstance(part, Thinking) and _has_signature(part):
            yield part
        elif isinstance(part, ToolCall):
            yield replace(part, arguments="")


def _has_signature(part: Part) -> bool:
    if isinstance(part, Thinking):
        return bool(part.signature or part.redacted)
    return isinstance(part, ToolCall) and bool(part.signature)


def _first_call(parts: Sequence[Part]) -> ToolCall | None:
    return next((part for part in parts if isinstance(part, ToolCall)), None)


def _origin(part: Part) -> str:
    return part.origin if isinstance(part, Thinking | ToolCall) else ""


def _opened(caller: Caller, key: str, sealed: bytes) -> tuple[Part, ...]:
    try:
        record = unseal(
            sealed.decode(), purpose=PURPOSE, tenant_id=caller.tenant_id, row_id=named_id(key)
        )
        return turn_of(json.loads(record)).parts
    except (DecryptionFailed, ValueError):
        log.warning("thoughts.tampered", tenant=str(caller.tenant_id))
        return ()


def _key(caller: Caller, call: ToolCall) -> str:
    """Return the Redis key: the tenant in clear, the rest as an HMAC.

    Some providers use an id again: the name and the arguments keep such calls apart.
    """
    said = [caller.project_id.hex, call.id, call.name, _plain(call.arguments)]
    body = json.dumps(said).encode()
    digest = hmac.new(settings.API_KEY_PEPPER, body, hashlib.sha256).hexdigest()
    return f"{caller.tenant_id}:thoughts:{digest}"


def _plain(arguments: str) -> str:
    """Return the arguments in one spelling: clients parse them and write them again."""
    try:
        return json.dumps(json.loads(arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments
