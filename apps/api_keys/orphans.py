"""Reservations whose process died: settled by their estimate, and marked as such in the books."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import structlog

from apps.api_keys.limits import EXPIRIES, RESERVATIONS, Settlement, settle_from_journal
from apps.core.clock import unix_ms
from apps.core.redis import control_redis
from apps.usage.codec import decode_event, encode_event

BATCH = 500

log = structlog.get_logger(__name__)


def make_stub(event: bytes, budget_key: str, reserved: int) -> bytes:
    """Return what a reservation keeps: enough to book the request should its process die."""
    return orjson.dumps({"event": event.decode(), "budget_key": budget_key, "reserved": reserved})


def settle_orphans(now_ms: int | None = None) -> int:
    """Settle the reservations that have expired; returns how many there were."""
    client: Any = control_redis()
    latest = unix_ms() if now_ms is None else now_ms
    ids = client.zrangebyscore(EXPIRIES, 0, latest, start=0, num=BATCH)
    for request in ids:
        stub = client.hget(RESERVATIONS, request)
        try:
            if stub is not None:
                _settle_one(UUID(hex=request.decode()), orjson.loads(stub))
        except (ValueError, KeyError, TypeError):
            # Not ours to understand, and it must not stand before the others for ever.
            log.exception("reservation.stub_unreadable", request=request.decode(errors="replace"))
        client.hdel(RESERVATIONS, request)
        client.zrem(EXPIRIES, request)
    return len(ids)


def _settle_one(request_id: UUID, stub: dict[str, Any]) -> None:
    event = decode_event(str(stub["event"]).encode())
    *ended, lost = event.attempts
    # The call may have been billed: the worst case is booked, and says that it is an estimate.
    worst_case = stub["reserved"] - sum(attempt.cost for attempt in ended)
    attempts = (*ended, replace(lost, cost=worst_case, is_estimated=True))
    booked = replace(event, cost=stub["reserved"], attempts=attempts)
    settle_from_journal(
        Settlement(
            request_id=request_id,
            budget_key=stub["budget_key"],
            cost=booked.cost,
            event=encode_event(booked),
        )
    )
    log.warning("reservation.orphan_settled", request_id=str(request_id), cost=booked.cost)
