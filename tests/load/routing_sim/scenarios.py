"""The published scenarios: four deployments of one model, 15 simulated minutes each."""

from collections.abc import Callable

from tests.load.routing_sim.world import Deployment, Incident, Scenario

FLEET = (
    Deployment("alpha", price_in=2.5, price_out=10.0, tpm=500_000, ttft=0.5, tps=70),
    Deployment("bravo", price_in=2.5, price_out=10.0, tpm=500_000, ttft=0.7, tps=60),
    Deployment("charlie", price_in=3.0, price_out=15.0, tpm=500_000, ttft=0.6, tps=80),
    Deployment("delta", price_in=1.0, price_out=4.0, tpm=200_000, ttft=0.9, tps=45),
)
DURATION_SECONDS = 900.0


def steps(before: float, after: float, at: float = 600.0) -> Callable[[float], float]:
    """Return a rate that changes once."""
    return lambda now: before if now < at else after


STEADY = steps(8.0, 8.0)
# The last third of the run needs about 90 % of all tokens per minute together.
BURST = steps(8.0, 19.0)

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("steady", FLEET, DURATION_SECONDS, STEADY),
        Scenario("slow", FLEET, DURATION_SECONDS, STEADY, (Incident("alpha", 200, 600, slow=8.0),)),
        Scenario(
            "fail30", FLEET, DURATION_SECONDS, STEADY, (Incident("bravo", 200, 600, error=0.3),)
        ),
        Scenario(
            "hang", FLEET, DURATION_SECONDS, STEADY, (Incident("charlie", 200, 600, hang=0.5),)
        ),
        Scenario(
            "down", FLEET, DURATION_SECONDS, STEADY, (Incident("alpha", 200, 600, error=1.0),)
        ),
        Scenario("tight", FLEET, DURATION_SECONDS, BURST),
        Scenario(
            "mixed",
            FLEET,
            DURATION_SECONDS,
            steps(8.0, 12.0),
            (
                Incident("alpha", 100, 400, slow=8.0),
                Incident("bravo", 300, 700, error=0.3),
                Incident("charlie", 500, 650, hang=0.5),
                Incident("delta", 650, 750, error=1.0),
            ),
        ),
    )
}
