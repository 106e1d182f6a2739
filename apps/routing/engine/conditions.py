"""Condition trees, compiled: whether they hold for a request, and which clause decided."""

from collections.abc import Callable, Iterator
from typing import Any

from apps.routing.engine.operators import Matcher
from apps.routing.engine.types import Clause, Finding, Group, RequestFacts, Scalar, Test

MAX_DEPTH = 3
HOLDS = Finding(holds=True)
FAILS = Finding(holds=False)


def clauses_of(group: Group) -> Iterator[Clause]:
    """Yield every clause of a tree."""
    for member in group.members:
        if isinstance(member, Clause):
            yield member
        else:
            yield from clauses_of(member)


def clause_test(
    clause: Clause,
    read: Callable[[RequestFacts], Any],
    matches: Matcher,
    show: Callable[[RequestFacts], Scalar],
) -> Test:
    """Return the test of one clause: a fact that is absent, or not enough, is undecidable."""
    holds, fails = Finding(True, clause, show=show), Finding(False, clause, show=show)
    unknown = Finding(False, clause, is_undecidable=True)

    def test(facts: RequestFacts) -> Finding:
        seen = read(facts)
        if seen is None:
            return unknown
        found = matches(seen)
        if found is None:
            return unknown
        return holds if found else fails

    return test


def all_test(tests: tuple[Test, ...]) -> Test:
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


def any_test(tests: tuple[Test, ...]) -> Test:
    """The first that holds decides; else one that cannot be decided, else the last."""

    def test(facts: RequestFacts) -> Finding:
        verdict = FAILS
        for member in tests:
            found = member(facts)
            if found.holds:
                return found
            if not verdict.is_undecidable:
                verdict = found
        return verdict

    return test


def none_test(tests: tuple[Test, ...]) -> Test:
    """As `any`, turned round; what cannot be decided is not taken for absent."""
    is_any = any_test(tests)

    def test(facts: RequestFacts) -> Finding:
        found = is_any(facts)
        if found.holds:
            return Finding(False, found.clause, is_forbidden=True, show=found.show)
        return found if found.is_undecidable else HOLDS

    return test


TEST_OF_KIND: dict[str, Callable[[tuple[Test, ...]], Test]] = {
    "all": all_test,
    "any": any_test,
    "none": none_test,
}
