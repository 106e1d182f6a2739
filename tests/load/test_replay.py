"""`make bench`: a million stored requests through fifty rules, in columns and one by one.

Prints the median of several rounds with the machine, the interpreter and a calibration loop beside;
the column form and `decide` must agree on the sample that `decide` is timed on.
"""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from apps.routing.backtest.choice import OUTCOMES
from apps.routing.backtest.columns import Columns, columns_of
from apps.routing.backtest.comparison import Replay, Ruled, replay, report
from apps.routing.backtest.facts import facts_at
from apps.routing.backtest.matching import NO_RULE, match
from apps.routing.engine.request_router import decide
from apps.routing.engine.simulate import Report
from apps.routing.engine.types import Decision, Health
from tests.load.figures import print_machine
from tests.load.replay_data import replay_snapshot, request_columns

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SAMPLE = 5_000
SEED = int(os.environ.get("BENCH_SEED", "20261125"))


@pytest.mark.load
def test_replay__of_a_million_requests_through_fifty_rules__prints_its_figures() -> None:
    print_machine()
    print(f"{ROWS:,} rows, seed {SEED}, median of {ROUNDS} (least - most), processor time")
    rng = Random(SEED)
    values, snapshot = request_columns(rng, ROWS), replay_snapshot(rng)
    ruled = Ruled(snapshot, {})
    columns = timed("load from lists of values", lambda: columns_of(ROWS, values), rounds=1)
    identity = columns.request_ids.matrix.nbytes + columns.request_ids.lengths.nbytes
    tell("bytes a row", columns.nbytes / ROWS)
    tell("  of these the request ids", identity / ROWS)
    timed("rules: first match", lambda: match(columns, snapshot, {}))
    found = timed("rules, filters, deployment and cost", lambda: replay(columns, ruled))
    fewer = Ruled(replace(snapshot, rules=snapshot.rules[1:]), {})
    changed = timed("report of a change: both, compared", lambda: back_test(columns, ruled, fewer))
    tell("rows that a rule decides (%)", 100 * (found.matches.rules != NO_RULE).mean())
    tell("rows that the change moves (%)", 100 * changed.moved / ROWS)
    compare_with_decide(columns, found)


def back_test(columns: Columns, first: Ruled, second: Ruled) -> Report:
    return report(replay(columns, first), replay(columns, second))


def timed[T](name: str, run: Callable[[], T], rounds: int = ROUNDS) -> T:
    """Print how long a run takes; returns what it returned."""
    seconds, busy = [], []
    for _ in range(rounds):
        begun, begun_busy = time.perf_counter(), time.process_time()
        result = run()
        seconds.append(time.perf_counter() - begun)
        busy.append(time.process_time() - begun_busy)
    spread = f"({min(seconds):.2f} - {max(seconds):.2f}), processor {statistics.median(busy):.2f}"
    print(f"  {name + ' (s)':<44} {statistics.median(seconds):10.2f} {spread}")
    return result


def tell(name: str, figure: float) -> None:
    print(f"  {name:<44} {figure:10,.1f}")


def compare_with_decide(columns: Columns, found: Replay) -> None:
    """Time `decide` on rows spread over all of them, and check that both say the same."""
    rows = range(0, columns.count, max(columns.count // SAMPLE, 1))
    facts = [facts_at(columns, row) for row in rows]
    begun = time.process_time()
    decisions = [decide(item, found.snapshot, Health(), item.request_id) for item in facts]
    each = (time.process_time() - begun) / len(facts)
    for row, decision in zip(rows, decisions, strict=True):
        assert said_by_columns(row, found) == said_by_engine(decision)
    tell("decide with its trace, a row (us, processor)", each * 1e6)
    tell("the same for all rows (s)", each * columns.count)
    tell("rows compared, all the same", len(rows))


def said_by_columns(row: int, found: Replay) -> tuple[str, str, str, int]:
    snapshot, matches, choices = found
    place, outcome = matches.rules[row], OUTCOMES[choices.outcomes[row]]
    rule = "" if place == NO_RULE else snapshot.rules[place].id
    if outcome != "route":
        return rule, outcome, "", 0
    deployment = choices.deployments[choices.codes[row]]
    return rule, outcome, deployment.id, int(choices.expected[row])


def said_by_engine(decision: Decision) -> tuple[str, str, str, int]:
    rule, outcome = decision.rule_id, decision.outcome
    if not decision.attempts:
        return rule, outcome, "", 0
    first = decision.attempts[0]
    return rule, outcome, first.deployment_id, first.expected_cost
