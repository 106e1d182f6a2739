"""Condition trees, compiled: whether they hold for a request, and which clause decided."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from apps.routing.engine.fields import Reader
from apps.routing.engine.operators import Matcher
from apps.routing.engine.types import (
    Clause,
    Finding,
    Group,
    GroupKind,
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


class Question(NamedTuple):
    """A clause as requests are asked it; a fact that is absent, or not enough, is undecidable."""

    read: Callable[[RequestFacts], Any]
    matches: Matcher
    holds: Finding
    fails: Finding
    unknown: Finding

    def ask(self, facts: RequestFacts) -> Finding:
        seen = self.read(facts)
        if seen is None:
            return self.unknown
        found = self.matches(seen)
        if found:
            return self.holds
        return self.unknown if found is None else self.fails


def question_of(clause: Clause, reader: Reader, matches: Matcher, teller: Teller) -> Question:
    """Return the question of a clause, with what a trace tells of each answer."""
    fact, read, show = reader
    return Question(
        read,
        matches,
        # A clause that holds is told only where its group forbids it.
        holds=Finding(True, teller.step("condition_forbids", clause), fact=fact, show=show),
        fails=Finding(False, teller.step("condition_failed", clause), fact=fact, show=show),
        unknown=Finding(False, teller.step("fact_missing", clause), is_undecidable=True),
    )


def group_test(kind: GroupKind, members: Sequence[Question | Test], unmet: Finding) -> Test:
    """Return the test of a group; `unmet` is what is found where no clause decided."""
    questions = tuple(member for member in members if isinstance(member, Question))
    if kind == "all" and len(questions) == len(members):
        return all_asked(questions)
    tests = tuple(item.ask if isinstance(item, Question) else item for item in members)
    return TEST_OF_KIND[kind](tests, unmet)


def all_asked(questions: Iterable[Question]) -> Test:
    """Return what `all_test` does, for clauses alone and without a call for each.

    Most rules are such, and each request asks nearly all of them.
    """
    # Plain tuples unpack much faster than named ones.
    asked = [(item.read, item.matches, item.fails, item.unknown) for item in questions]

    def test(facts: RequestFacts) -> Finding:
        verdict = HOLDS
        for read, matches, fails, unknown in asked:
            seen = read(facts)
            found = None if seen is None else matches(seen)
            if not found:
                if found is not None:
                    return fails
                if verdict.holds:
                    verdict = unknown
        return verdict

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


TEST_OF_KIND: dict[GroupKind, Callable[[tuple[Test, ...], Finding], Test]] = {
    "all": all_test,
    "any": any_test,
    "none": none_test,
}
