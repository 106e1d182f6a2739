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
    """Whether a tree holds; `clause` is the one that decided it, with what was seen there.

    `is_forbidden`: the clause itself holds, but its group wants none such.
    """

    holds: bool
    clause: Clause | None = None
    seen: Seen | None = None
    is_forbidden: bool = False

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
    return _first(group, facts, decisive=False) or Verdict(holds=True)


def _any(group: Group, facts: RequestFacts) -> Verdict:
    return _first(group, facts, decisive=True) or Verdict(holds=False)


def _none(group: Group, facts: RequestFacts) -> Verdict:
    verdict = _first(group, facts, decisive=True)
    if verdict is None or not (verdict.holds or verdict.is_undecidable):
        return Verdict(holds=True)
    return Verdict(False, verdict.clause, verdict.seen, is_forbidden=verdict.holds)


def _first(group: Group, facts: RequestFacts, *, decisive: bool) -> Verdict | None:
    """Return the member that decides the group; else one that cannot be decided, else the last.

    An absent fact counts only when no other member decides: the order of members never does.
    """
    verdict: Verdict | None = None
    for member in group.members:
        found = _evaluate_member(member, facts)
        if found.holds is decisive and not found.is_undecidable:
            return found
        if verdict is None or not verdict.is_undecidable:
            verdict = found
    return verdict


_EVALUATORS: dict[str, Callable[[Group, RequestFacts], Verdict]] = {
    "all": _all,
    "any": _any,
    "none": _none,
}
