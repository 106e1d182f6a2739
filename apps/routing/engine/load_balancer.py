"""Load Balancer: orders the deployments of one model by the answer time to be expected.

Score = expected time to first token x (1 + calls in flight), lowest first; deployments that were
never seen share the fastest one's estimate, so that they are tried. Equal scores are spread by a
stable hash of the seed (FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/, finished as MurmurHash3
does: FNV alone leaves ids that differ in their last sign next to each other).
"""

from collections.abc import Sequence

from apps.routing.engine.filters import HEALTHY
from apps.routing.engine.types import Deployment, Health

FNV_OFFSET = 0xCBF29CE484222325
FNV_PRIME = 0x100000001B3
MASK = (1 << 64) - 1
FINISHERS = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
# Times closer than this are luck; herding on the luckier one would overload it.
TTFT_STEP_MS = 50.0


def order(deployments: Sequence[Deployment], health: Health, seed: str) -> list[Deployment]:
    """Return the deployments, the one to be called first at the front."""
    if len(deployments) < 2:
        return list(deployments)
    seen = {item.id: health.deployments.get(item.id, HEALTHY) for item in deployments}
    known = [state.ttft_ms for state in seen.values() if state.ttft_ms > 0]
    fastest = min(known, default=0.0)

    def score(deployment: Deployment) -> tuple[float, int]:
        state = seen[deployment.id]
        steps = 1 + ((state.ttft_ms or fastest) // TTFT_STEP_MS)
        return steps * (1 + state.in_flight), spread(seed, deployment.id)

    return sorted(deployments, key=score)


def spread(seed: str, identifier: str) -> int:
    """Return a number that depends on nothing but its arguments."""
    value = FNV_OFFSET
    for byte in f"{seed}|{identifier}".encode():
        value = ((value ^ byte) * FNV_PRIME) & MASK
    for factor in FINISHERS:
        value = ((value ^ (value >> 33)) * factor) & MASK
    return value ^ (value >> 33)
