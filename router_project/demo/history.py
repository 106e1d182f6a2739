"""Demo history: two weeks of requests, so that dashboards have something to show at once."""

import datetime as dt
import random
from uuid import UUID

from apps.api_keys.models import ApiKey
from apps.core.clock import utc_now
from apps.core.ids import new_id
from apps.usage.ledger import write_events
from apps.usage.models import RequestLog
from apps.usage.types import AttemptRecord, UsageEvent

DAYS = 14
# Micro-dollars per token, in thousandths: (input, output).
PRICES = {"sim-small": (150, 600), "sim-large": (2_500, 10_000), "sim-long": (1_250, 5_000)}
RULES = ("Frequent questions are cached", "Premium customers get the large model", "")
CACHE_PERCENT, ERROR_PERCENT = 14, 3


def make_history(key: ApiKey, seed: int) -> None:
    """Write the key's past, unless its tenant has one."""
    if RequestLog.objects.filter(tenant_id=key.tenant_id).exists():
        return
    dice = random.Random(seed)  # noqa: S311 - sample data, the same on every machine
    today = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    for ago in range(DAYS, 0, -1):
        day = today - dt.timedelta(days=ago)
        busy = 0.4 if day.weekday() >= 5 else 1.0
        count = int(dice.randint(30, 60) * busy)
        write_events([_event(key, day, dice) for _ in range(count)])


def _event(key: ApiKey, day: dt.datetime, dice: random.Random) -> UsageEvent:
    model = dice.choices(list(PRICES), weights=(6, 3, 1))[0]
    is_hit = dice.randrange(100) < CACHE_PERCENT
    is_error = not is_hit and dice.randrange(100) < ERROR_PERCENT
    at = day + dt.timedelta(hours=dice.randint(8, 18), seconds=dice.randint(0, 3599))
    at_ms = round(at.timestamp() * 1000)
    attempt = None if is_hit else _attempt(model, at_ms, dice, is_error=is_error)
    total_ms = attempt.total_ms if attempt else dice.randint(2, 9)
    return UsageEvent(
        event_id=_id_at(at_ms),
        at_ms=at_ms,
        tenant_id=key.tenant_id,
        tenant=key.tenant.slug,
        project_id=key.project_id,
        project=key.project.slug,
        key_id=key.id,
        key=key.name,
        door="openai.chat",
        requested_model=dice.choice(("auto", "support-fast", model)),
        model=model,
        provider="simulated",
        rule_id="",
        rule=RULES[0] if is_hit else dice.choice(RULES),
        tags=(),
        conversation_id="",
        prompt_template="",
        status="error" if is_error else "ok",
        error_code="provider_failed" if is_error else "",
        http_status=502 if is_error else 200,
        cache="hit" if is_hit else "off",
        is_streamed=dice.random() < 0.5,
        cost=attempt.cost if attempt else 0,
        ttft_ms=attempt.ttft_ms if attempt else None,
        total_ms=total_ms,
        platform_version=1,
        tenant_version=1,
        trace=[],
        attempts=(attempt,) if attempt else (),
    )


def _attempt(model: str, at_ms: int, dice: random.Random, *, is_error: bool) -> AttemptRecord:
    tokens_in, tokens_out = dice.randint(80, 1_800), 0 if is_error else dice.randint(40, 700)
    price_in, price_out = PRICES[model]
    cost = 0 if is_error else (tokens_in * price_in + tokens_out * price_out + 500) // 1000
    ttft = dice.randint(90, 450)
    return AttemptRecord(
        id=new_id(),
        deployment_id="",
        deployment=model,
        model=model,
        provider="simulated",
        status="error" if is_error else "ok",
        error_code="unavailable" if is_error else "",
        http_status=503 if is_error else 200,
        input_tokens=0 if is_error else tokens_in,
        output_tokens=tokens_out,
        cached_input_tokens=0,
        cache_write_tokens=0,
        reasoning_tokens=0,
        is_estimated=False,
        cost=cost,
        started_at_ms=at_ms,
        ttft_ms=ttft,
        total_ms=ttft + tokens_out * 4 + dice.randint(20, 200),
    )


def _id_at(at_ms: int) -> UUID:
    """Return a UUIDv7 of a past moment."""
    low = new_id().int & ((1 << 80) - 1)
    return UUID(int=(at_ms << 80) | low)
