"""Condition trees, compiled: whether they hold for a request, and which clause decided."""

from collections.abc import Callable, Iterator

from apps.routing.engine.fields import Reader
from apps.routing.engine.operators import Matcher
from apps.routing.engine.types import (
    Clause,
    Finding,
    Group,
    RequestFacts,
    Scalar,
    Test,
    TraceStep,
)

MAX_DEPTH = 3
HOLDS = Finding(holds=True)


def clauses_of(group: Group) -> Iterator[Clause]:
    """Yield every clause of a tree."""
    for member in group.members:
        if isinstance(member, Clause):
            yield member
        else:
            yield from clauses_of(member)


class Teller:
    """Makes the steps of one rule that does not match; what clauses saw is told apart."""

    def __init__(self, rule_id: str, rule_name: str) -> None:
        self._rule_id = rule_id
        self._rule_name = rule_name

    def step(self, code: str, clause: Clause | None = None) -> TraceStep:
        numbers: dict[str, Scalar] = {"name": self._rule_name}
        if clause is not None:
            words = {"field": clause.field, "operator": clause.operator, "expected": clause.shown}
            numbers.update(words)
        return TraceStep("rule", code, self._rule_id, "not_matched", numbers)


def clause_test(clause: Clause, reader: Reader, matches: Matcher, teller: Teller) -> Test:
    """Return the test of one clause: a fact that is absent, or not enough, is undecidable."""
    fact, read, show = reader
    # A clause that holds is told only where its group forbids it.
    holds = Finding(True, teller.step("condition_forbids", clause), fact=fact, show=show)
    fails = Finding(False, teller.step("condition_failed", clause), fact=fact, show=show)
    unknown = Finding(False, teller.step("fact_missing", clause), is_undecidable=True)

    def test(facts: RequestFacts) -> Finding:
        seen = read(facts)
        if seen is None:
            return unknown
        found = matches(seen)
        if found:
            return holds
        return unknown if found is None else fails

    return test


def all_test(tests: tuple[Test, ...], _unmet: Finding) -> Test:
    """The first that fails decides; one that cannot be decided counts only when none fails.

    So the order of members never decides whether a group holds.
    """

    def test(facts: RequestFacts) -> Finding:
        verdict = HOLDS
        for member in tests:
            found = member(facts)
            if not found.holds:
                if not found.is_undecidable:
                    return found
                if verdict.holds:
                    verdict = found
        return verdict

    return test


def any_test(tests: tuple[Test, ...], unmet: Finding) -> Test:
    """The first that holds decides; else one that cannot be decided, else the last."""

    def test(facts: RequestFacts) -> Finding:
        verdict = unmet
        for member in tests:
            found = member(facts)
            if found.holds:
                return found
            if not verdict.is_undecidable:
                verdict = found
        return verdict

    return test


def none_test(tests: tuple[Test, ...], unmet: Finding) -> Test:
    """As `any`, turned round; what cannot be decided is not taken for absent."""
    is_any = any_test(tests, unmet)

    def test(facts: RequestFacts) -> Finding:
        found = is_any(facts)
        if found.holds:
            is_told = found.step is not None
            return (
                Finding(False, found.step, fact=found.fact, show=found.show) if is_told else unmet
            )
        return found if found.is_undecidable else HOLDS

    return test


TEST_OF_KIND: dict[str, Callable[[tuple[Test, ...], Finding], Test]] = {
    "all": all_test,
    "any": any_test,
    "none": none_test,
}
