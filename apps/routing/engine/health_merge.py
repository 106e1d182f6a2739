"""Puts together what several workers know of the deployments.

Knowledge moves forward only: speeds and errors are those of whoever saw the deployment last, the
later ejection and the later block hold. So it does no harm to hear of a thing twice, or from
somebody who has it from elsewhere. Calls under way are counted: each worker tells its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from apps.routing.engine.health import HEALTHY
from apps.routing.engine.types import DeploymentHealth, Health

# Begins the ids of calls that wait at other workers; a worker's own ids never do.
PEER_MARK = "@"


def merge(own: Health, peers: Sequence[Health]) -> Health:
    """Return what is known after hearing the peers; their order does not matter.

    `own` counts this worker's own calls only (see `own_part`); retry budgets stay its own.
    """
    if not peers:
        return own
    names = {name for health in (own, *peers) for name in health.deployments}
    deployments = {
        name: _merged(
            own.deployments.get(name, HEALTHY),
            [peer.deployments[name] for peer in peers if name in peer.deployments],
        )
        for name in sorted(names)
    }
    credentials = _latest(health.credentials_down for health in (own, *peers))
    return Health(deployments, own.retries, credentials)


def calls_of(peers: Iterable[Health]) -> dict[str, int]:
    """Return how many calls the peers have under way, by deployment."""
    calls: dict[str, int] = {}
    for peer in peers:
        for name, state in peer.deployments.items():
            calls[name] = calls.get(name, 0) + state.in_flight
    return calls


def own_part(merged: Health, others: Mapping[str, int]) -> Health:
    """Return a merged health without the calls of the `others` that it was merged with."""
    deployments = {
        name: _own_calls(state, others.get(name, 0)) for name, state in merged.deployments.items()
    }
    return replace(merged, deployments=deployments)


def _merged(own: DeploymentHealth, peers: Sequence[DeploymentHealth]) -> DeploymentHealth:
    # The first of equals is taken, so that what was seen here wins over what was only heard.
    heard = sorted(peers, key=_whole, reverse=True)
    last = max((own, *heard), key=_seen)
    ejected = max((own, *heard), key=_ejection)
    filled = max((own, *heard), key=_filled)
    # Whoever saw only failures knows no usual times; they must not be forgotten for that.
    usual = next((state for state in (last, own, *heard) if state.usual_ttft_ms), last)
    waiting = [*own.waiting.items(), *(item for peer in peers for item in peer.waiting.items())]
    return DeploymentHealth(
        ttft_ms=last.ttft_ms,
        ms_per_token=last.ms_per_token,
        error_rate=last.error_rate,
        mean_output_tokens=last.mean_output_tokens,
        seen_ms=last.seen_ms,
        failures=last.failures,
        in_flight=own.in_flight + sum(peer.in_flight for peer in peers),
        # The oldest first, as in a health that was only observed.
        waiting=dict(sorted(waiting, key=lambda item: (item[1], item[0]))),
        retry_after_ms=max(state.retry_after_ms for state in (own, *peers)),
        ejected_until_ms=ejected.ejected_until_ms,
        ejections=ejected.ejections,
        probation=ejected.probation,
        token_level=filled.token_level,
        token_level_ms=filled.token_level_ms,
        usual_ttft_ms=usual.usual_ttft_ms,
        usual_ms_per_token=usual.usual_ms_per_token,
        borne=max(state.borne for state in (own, *peers)),
    )


def _seen(state: DeploymentHealth) -> int:
    return state.seen_ms


def _ejection(state: DeploymentHealth) -> tuple[int, int, int]:
    """The later ejection holds; of one and the same, whoever has seen it recover furthest."""
    return state.ejected_until_ms, -state.probation, -state.ejections


def _filled(state: DeploymentHealth) -> int:
    return state.token_level_ms


def _whole(state: DeploymentHealth) -> tuple[float, ...]:
    """An order of all that may differ, so that it does not matter who is heard first."""
    return (
        state.ttft_ms,
        state.ms_per_token,
        state.error_rate,
        state.mean_output_tokens,
        state.failures,
        -1.0 if state.token_level is None else state.token_level,
        state.usual_ttft_ms,
        state.usual_ms_per_token,
        state.borne,
    )


def _own_calls(state: DeploymentHealth, others: int) -> DeploymentHealth:
    is_alone = not others and not any(name.startswith(PEER_MARK) for name in state.waiting)
    if is_alone:
        return state
    waiting = {name: at for name, at in state.waiting.items() if not name.startswith(PEER_MARK)}
    return replace(state, in_flight=max(state.in_flight - others, 0), waiting=waiting)


def _latest(told: Iterable[Mapping[str, int]]) -> dict[str, int]:
    latest: dict[str, int] = {}
    for times in told:
        for name, until in times.items():
            latest[name] = max(latest.get(name, until), until)
    return latest
