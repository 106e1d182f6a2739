"""Condition trees: which facts they read, and whether they hold, clause by clause."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from apps.routing.engine.operators import (
    NUMBER_OPERATORS,
    SET_OPERATORS,
    TEXT_OPERATORS,
    Matcher,
    Seen,
)
from apps.routing.engine.types import Clause, Group, RequestFacts

MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Field:
    """A fact that a condition may read."""

    kind: Literal["text", "set", "number"]
    read: Callable[[RequestFacts], Seen | None]

    @property
    def operators(self) -> Mapping[str, Matcher]:
        return OPERATORS_BY_KIND[self.kind]


OPERATORS_BY_KIND: dict[str, Mapping[str, Matcher]] = {
    "text": TEXT_OPERATORS,
    "set": SET_OPERATORS,
    "number": NUMBER_OPERATORS,
}
FIELDS: dict[str, Field] = {
    "requested_model": Field("text", lambda facts: facts.requested_model),
    "tenant": Field("text", lambda facts: facts.tenant),
    "project": Field("text", lambda facts: facts.project),
    "api_key": Field("text", lambda facts: facts.key_id),
    "door": Field("text", lambda facts: facts.door),
    "prompt_template": Field("text", lambda facts: facts.prompt_template),
    "tag": Field("set", lambda facts: (*facts.tags, *facts.key_tags)),
    "needs": Field("set", lambda facts: facts.needs),
    "prompt_tokens": Field("number", lambda facts: facts.prompt_tokens),
    # Absent when the caller names no limit: the clause cannot be decided then.
    "max_output_tokens": Field("number", lambda facts: facts.max_output_tokens),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a tree holds; `clause` is the one that decided it, with what was seen there."""

    holds: bool
    clause: Clause | None = None
    seen: Seen | None = None

    @property
    def is_undecidable(self) -> bool:
        """The deciding clause reads a fact that this request does not have."""
        return self.clause is not None and self.seen is None


def evaluate(group: Group, facts: RequestFacts) -> Verdict:
    """Return the verdict; an absent fact makes its clause fail, never the request."""
    return _EVALUATORS[group.kind](group, facts)


def clauses_of(group: Group) -> Iterator[Clause]:
    """Yield every clause of a tree."""
    for member in group.members:
        if isinstance(member, Clause):
            yield member
        else:
            yield from clauses_of(member)


def _evaluate_member(member: Clause | Group, facts: RequestFacts) -> Verdict:
    if isinstance(member, Group):
        return evaluate(member, facts)
    field = FIELDS[member.field]
    seen = field.read(facts)
    holds = seen is not None and field.operators[member.operator](seen, member.value)
    return Verdict(holds, member, seen)


def _all(group: Group, facts: RequestFacts) -> Verdict:
    verdict = Verdict(holds=True)
    for member in group.members:
        verdict = _evaluate_member(member, facts)
        if not verdict.holds:
            return verdict
    return verdict


def _any(group: Group, facts: RequestFacts) -> Verdict:
    verdict = Verdict(holds=False)
    for member in group.members:
        verdict = _evaluate_member(member, facts)
        if verdict.holds:
            return verdict
    return verdict


def _none(group: Group, facts: RequestFacts) -> Verdict:
    for member in group.members:
        verdict = _evaluate_member(member, facts)
        if verdict.holds or verdict.is_undecidable:
            return Verdict(False, verdict.clause, verdict.seen)
    return Verdict(holds=True)


_EVALUATORS: dict[str, Callable[[Group, RequestFacts], Verdict]] = {
    "all": _all,
    "any": _any,
    "none": _none,
}
