"""Runs policies through scenarios and tells the means over seeds, beside the best baseline."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from statistics import fmean

from tests.load.routing_sim.policies.catalogue import BASELINES
from tests.load.routing_sim.simulator import Factory, Result, simulate
from tests.load.routing_sim.world import Scenario

HEADER = (
    f"{'policy':<26}{'success%':>9}{'in-SLO%':>9}{'p50 s':>7}{'p99 s':>7}{'$/1k':>7}"
    f"{'calls':>7}{'429s':>8}{'SLO/best':>10}{'p99/best':>10}"
)


@dataclass(frozen=True, slots=True)
class Row:
    """The means of one policy in one scenario."""

    policy: str
    success: float
    in_slo: float
    p50: float
    p99: float
    cost_per_1k: float
    attempts: float
    limited: float


@dataclass(frozen=True, slots=True)
class Table:
    """All policies in one scenario; `best` is the best baseline among them."""

    scenario: str
    rows: tuple[Row, ...]
    best: Row | None

    def ratios(self, row: Row) -> tuple[float, float] | None:
        """Return in-SLO and p99 of a row, each divided by the best baseline's."""
        if self.best is None:
            return None
        return row.in_slo / self.best.in_slo, row.p99 / self.best.p99

    def objects(self, workers: int) -> Iterator[dict[str, object]]:
        """Return the rows as what `--json` prints."""
        for row in self.rows:
            ratios = self.ratios(row) or (None, None)
            yield {
                "scenario": self.scenario,
                "workers": workers,
                **asdict(row),
                "best": self.best.policy if self.best else None,
                "in_slo_ratio": ratios[0],
                "p99_ratio": ratios[1],
            }

    def lines(self) -> Iterator[str]:
        """Return the table as text."""
        yield HEADER
        for row in self.rows:
            ratios = self.ratios(row)
            shown = f"{ratios[0]:>10.4f}{ratios[1]:>10.3f}" if ratios else f"{'-':>10}{'-':>10}"
            yield (
                f"{row.policy:<26}{100 * row.success:>9.2f}{100 * row.in_slo:>9.2f}"
                f"{row.p50:>7.2f}{row.p99:>7.2f}{row.cost_per_1k:>7.2f}"
                f"{row.attempts:>7.3f}{row.limited:>8.4f}{shown}"
            )
        if self.best:
            yield f"best baseline: {self.best.policy}"


def compare(
    scenario: Scenario, policies: Mapping[str, Factory], *, seeds: Iterable[int], workers: int
) -> Table:
    """Run every policy; the best baseline has the highest in-SLO, then the lowest p99."""
    chosen = tuple(seeds)
    rows = tuple(
        _mean([simulate(scenario, factory, seed, workers, name) for seed in chosen])
        for name, factory in policies.items()
    )
    baselines = [row for row in rows if row.policy in BASELINES]
    best = max(baselines, key=lambda row: (row.in_slo, -row.p99), default=None)
    return Table(scenario.name, rows, best)


def _mean(results: list[Result]) -> Row:
    return Row(
        policy=results[0].policy,
        success=fmean(result.success for result in results),
        in_slo=fmean(result.in_slo for result in results),
        p50=fmean(result.p50 for result in results),
        p99=fmean(result.p99 for result in results),
        cost_per_1k=fmean(result.cost_per_1k for result in results),
        attempts=fmean(result.attempts for result in results),
        limited=fmean(result.limited for result in results),
    )
