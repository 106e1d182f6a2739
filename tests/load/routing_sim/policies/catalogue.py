"""All policies that ship with the simulator, by name."""

from tests.load.routing_sim.policies.oracles import Oracle, OracleCheap
from tests.load.routing_sim.policies.predictive import (
    BestOfAllCost,
    BestOfAllEwma,
    P2CEwma,
    P2CEwmaCost,
    P2CNoHangUp,
)
from tests.load.routing_sim.policies.simple import (
    InverseSquarePrice,
    LeastBusy,
    LeastLatency,
    LowestCost,
    PeakEwmaClassic,
    Shuffle,
)
from tests.load.routing_sim.simulator import Factory

BASELINES: dict[str, Factory] = {
    "shuffle+cooldown": Shuffle,
    "least-busy": LeastBusy,
    "least-latency": LeastLatency,
    "lowest-cost": LowestCost,
    "inverse-price^2": InverseSquarePrice,
    "peak-ewma-classic": PeakEwmaClassic,
    "p2c-ewma": P2CEwma,
    "p2c-ewma-cost": P2CEwmaCost,
    "p2c-no-hang-up": P2CNoHangUp,
    "best-of-all-ewma": BestOfAllEwma,
    "best-of-all-cost": BestOfAllCost,
}
ORACLES: dict[str, Factory] = {"oracle-fast": Oracle, "oracle-cheap": OracleCheap}
POLICIES = BASELINES | ORACLES
