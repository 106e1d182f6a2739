"""Condition trees over many rows: the same three verdicts as `engine.conditions`, as numbers.

0 fails, 1 cannot be decided, 2 holds: so "all" is the least of its members and "any" the greatest.
What a clause says of a value is asked of the engine's own operator, once per distinct value.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Any, override

import numpy as np

from apps.routing.backtest.columns import FAILS, HOLDS, TAG, UNDECIDABLE, VERDICTS
from apps.routing.backtest.hashing import Array, fractions
from apps.routing.backtest.rows import Rows
from apps.routing.backtest.sources import Reader, named_field, source_of
from apps.routing.engine.hashing import pattern_id
from apps.routing.engine.operators import PERCENT
from apps.routing.engine.types import Clause, Group, GroupKind


class Tree(ABC):
    """A condition, or a part of one."""

    @abstractmethod
    def verdicts(self, rows: Rows) -> Array:
        """Return whether it holds for each row."""

    @abstractmethod
    def blame(self, rows: Rows, counts: Counter[int]) -> None:
        """Count the clauses because of which it cannot be decided; here it cannot, for any row."""


class Branch(Tree):
    """A group of conditions."""

    def __init__(self, kind: GroupKind, members: Sequence[Tree]) -> None:
        self._kind = kind
        self._members = members

    @override
    def verdicts(self, rows: Rows) -> Array:
        is_all = self._kind == "all"
        found = np.full(len(rows), HOLDS if is_all else FAILS, dtype=np.uint8)
        join = np.minimum if is_all else np.maximum
        for member in self._members:
            join(found, member.verdicts(rows), out=found)
            if is_all and not found.any():
                break
        return HOLDS - found if self._kind == "none" else found

    @override
    def blame(self, rows: Rows, counts: Counter[int]) -> None:
        # As in the engine: the first member that cannot be decided is the one that is named.
        for member in self._members:
            is_unsure = member.verdicts(rows) == UNDECIDABLE
            unsure = np.flatnonzero(is_unsure)
            if len(unsure):
                member.blame(rows.take(unsure), counts)
                rows = rows.take(np.flatnonzero(~is_unsure))


class Leaf(Tree):
    """A clause; `number` is its place among those of the tree."""

    def __init__(self, number: int) -> None:
        self._number = number

    @override
    def blame(self, rows: Rows, counts: Counter[int]) -> None:
        counts[self._number] += len(rows)


class WordLeaf(Leaf):
    """A clause on a value that recurs: one verdict per distinct value."""

    def __init__(self, number: int, clause: Clause, reader: Reader) -> None:
        super().__init__(number)
        self._field = clause.field
        self._reader = reader
        self._matches = reader.matcher(clause)
        self._column = source_of(clause.field).column
        self._is_logged = self._column in reader.columns.words
        self._table = self._verdicts(reader.seen(clause.field))

    @override
    def verdicts(self, rows: Rows) -> Array:
        if not self._is_logged:
            return np.broadcast_to(self._table, len(rows))
        if self._column == TAG and len(self._table) < len(rows.tags.words):
            added = self._reader.read(self._field, rows.tags.words[len(self._table) :])
            self._table = np.concatenate([self._table, self._verdicts(added)])
        return self._table.take(rows.codes(self._column))

    def _verdicts(self, seen: Sequence[Any]) -> Array:
        matches = self._matches
        found = [VERDICTS[None if item is None else matches(item)] for item in seen]
        return np.array(found, dtype=np.uint8)


class NumberLeaf(Leaf):
    """A clause on a number: the engine's operators compare whole columns as well."""

    def __init__(self, number: int, clause: Clause) -> None:
        super().__init__(number)
        self._column = source_of(clause.field).column
        table = named_field(clause.field).operators
        if isinstance(clause.value, tuple):
            # "between" is written for one number: both of its bounds belong to the range.
            bounds = zip(("at_least", "at_most"), clause.value, strict=True)
            self._tests = [table[operator](_bounded(value)) for operator, value in bounds]
        else:
            self._tests = [table[clause.operator](_bounded(clause.value))]

    @override
    def verdicts(self, rows: Rows) -> Array:
        values, known = rows.numbers(self._column)
        found: Any = self._tests[0](values)
        for test in self._tests[1:]:
            found = found & test(values)
        verdicts: Array = found.view(np.uint8) << 1
        if known is not None:
            verdicts[~known] = UNDECIDABLE
        return verdicts


def _bounded(value: Any) -> Any:
    """Return a bound that numpy can hold; no fact is as large as these."""
    return max(min(value, 2**60), -(2**60))


class MessageLeaf(Leaf):
    """A clause on the texts found in a message: any of them will do."""

    def __init__(self, number: int, clause: Clause) -> None:
        super().__init__(number)
        texts = clause.value if isinstance(clause.value, tuple) else (clause.value,)
        self._ids = [pattern_id(clause.operator, str(text)) for text in texts]

    @override
    def verdicts(self, rows: Rows) -> Array:
        found = np.zeros(len(rows), dtype=np.uint8)
        for id_ in self._ids:
            verdicts = rows.verdicts(id_)
            np.maximum(found, UNDECIDABLE if verdicts is None else verdicts, out=found)
        return found


class RequestShareLeaf(Leaf):
    """A clause on a share of the requests: every row is a unit of its own."""

    def __init__(self, number: int, clause: Clause, salt: str) -> None:
        super().__init__(number)
        self._limit = share_limit(clause)
        self._salt = salt

    @override
    def verdicts(self, rows: Rows) -> Array:
        return within(self._limit, fractions(self._salt, rows.request_ids()))


class UnitShareLeaf(Leaf):
    """A clause on a share of users or conversations, each hashed once."""

    def __init__(self, number: int, clause: Clause, salt: str, reader: Reader) -> None:
        super().__init__(number)
        self._column = source_of(clause.field).column
        self._table = within(
            share_limit(clause), fractions(salt, reader.columns.texts(self._column))
        )
        is_absent = [unit is None for unit in reader.seen(clause.field)]
        self._table[np.array(is_absent)] = UNDECIDABLE

    @override
    def verdicts(self, rows: Rows) -> Array:
        return self._table.take(rows.codes(self._column))


def share_limit(clause: Clause) -> float:
    """Return the share that a clause asks for, as a fraction."""
    return float(str(clause.value)) / PERCENT


def within(limit: float, drawn: Array) -> Array:
    """Return a verdict per fraction."""
    return np.where(drawn < limit, HOLDS, FAILS).astype(np.uint8)


class TreeMaker:
    """Makes the column form of one rule's condition; `salt` is the rule's id."""

    def __init__(self, reader: Reader, salt: str) -> None:
        self._reader = reader
        self._salt = salt
        self._leaves = 0

    def tree(self, member: Clause | Group) -> Tree:
        if isinstance(member, Group):
            return Branch(member.kind, [self.tree(part) for part in member.members])
        number, self._leaves = self._leaves, self._leaves + 1
        kind = named_field(member.field).kind
        if kind == "number":
            return NumberLeaf(number, member)
        if kind == "message":
            return MessageLeaf(number, member)
        if member.field == "share_of_requests":
            return RequestShareLeaf(number, member, self._salt)
        if kind == "share":
            return UnitShareLeaf(number, member, self._salt, self._reader)
        return WordLeaf(number, member, self._reader)
