"""What one worker tells the others of its health board: compact, bounded, read with suspicion."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from apps.routing.engine.health_merge import PEER_MARK
from apps.routing.engine.types import DeploymentHealth, Health

# Raised with every change of the rows: workers of different releases do not hear each other.
FORMAT = 3
MOST_DEPLOYMENTS = 200
MOST_CREDENTIALS = 200
MOST_BYTES = 64 * 1024
# Older news are no news; whoever never saw them has heard of them by now.
TOLD_FOR_MS = 5 * 60_000
# A message that is older is from a worker that died; a newer one from a clock that is wrong.
LIVES_MS = 5_000


@dataclass(frozen=True, slots=True)
class PeerNews:
    """What a peer knew at a time of its own clock."""

    at_ms: int
    health: Health

    def is_alive(self, now_ms: int) -> bool:
        return abs(now_ms - self.at_ms) <= LIVES_MS


def encode_news(own: Health, now_ms: int) -> bytes:
    """Return a message with the deployments that matter, the most recent first."""
    told = sorted(
        (item for item in own.deployments.items() if _is_news(item[1], now_ms)),
        key=lambda item: (item[1].in_flight > 0, item[1].ejected_until_ms, item[1].seen_ms),
        reverse=True,
    )
    down = {name: until for name, until in own.credentials_down.items() if until > now_ms}
    credentials = dict(sorted(down.items(), key=lambda item: -item[1])[:MOST_CREDENTIALS])
    rows = [_row(name, state, now_ms) for name, state in told[:MOST_DEPLOYMENTS]]
    message = _message(rows, credentials, now_ms)
    while len(message) > MOST_BYTES:
        # Names of an unusual length: rather half of the news than none.
        rows, credentials = rows[: len(rows) // 2], {}
        message = _message(rows, credentials, now_ms)
    return message


def decode_news(worker: str, message: bytes, now_ms: int) -> PeerNews | None:
    """Read a peer's message; another release has nothing to say, None is not to be trusted."""
    if len(message) > MOST_BYTES:
        return None
    try:
        told = orjson.loads(message)
        if told["v"] != FORMAT:
            return PeerNews(int(told["at"]), Health())
        rows = dict(_read_rows(worker, told["d"], now_ms))
        credentials = {str(name): int(until) for name, until in told["c"].items()}
        return PeerNews(int(told["at"]), Health(rows, credentials_down=credentials))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _is_news(state: DeploymentHealth, now_ms: int) -> bool:
    latest = max(state.seen_ms, state.ejected_until_ms, state.retry_after_ms, state.token_level_ms)
    return state.in_flight > 0 or now_ms - latest < TOLD_FOR_MS


def _message(rows: list[list[Any]], credentials: dict[str, int], now_ms: int) -> bytes:
    return orjson.dumps({"v": FORMAT, "at": now_ms, "d": rows, "c": credentials})


def _row(name: str, state: DeploymentHealth, now_ms: int) -> list[Any]:
    oldest = min(state.waiting.values(), default=None)
    return [
        name,
        state.in_flight,
        None if oldest is None else now_ms - oldest,
        round(state.ttft_ms, 1),
        round(state.ms_per_token, 2),
        round(state.error_rate, 4),
        round(state.mean_output_tokens, 1),
        state.seen_ms,
        state.failures,
        state.retry_after_ms,
        state.ejected_until_ms,
        state.ejections,
        state.probation,
        None if state.token_level is None else round(state.token_level),
        state.token_level_ms,
        # Two digits: a time of 0 would mean that it is not known.
        round(state.usual_ttft_ms, 2),
        round(state.usual_ms_per_token, 2),
        state.borne,
    ]


def _read_rows(
    worker: str, rows: list[list[Any]], now_ms: int
) -> Iterator[tuple[str, DeploymentHealth]]:
    for name, in_flight, oldest, *numbers in rows[:MOST_DEPLOYMENTS]:
        ttft, per_token, errors, mean, seen, failures, *limits = numbers
        retry_after, ejected_until, ejections, probation, level, level_ms, *usual = limits
        usual_ttft, usual_per_token, borne = usual
        yield (
            str(name),
            DeploymentHealth(
                ttft_ms=float(ttft),
                ms_per_token=float(per_token),
                error_rate=float(errors),
                mean_output_tokens=float(mean),
                seen_ms=int(seen),
                in_flight=max(int(in_flight), 0),
                waiting={} if oldest is None else {PEER_MARK + worker: now_ms - int(oldest)},
                failures=int(failures),
                retry_after_ms=int(retry_after),
                ejected_until_ms=int(ejected_until),
                ejections=int(ejections),
                probation=int(probation),
                token_level=None if level is None else float(level),
                token_level_ms=int(level_ms),
                usual_ttft_ms=float(usual_ttft),
                usual_ms_per_token=float(usual_per_token),
                borne=int(borne),
            ),
        )
