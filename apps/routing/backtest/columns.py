"""Facts of many requests as columns: one code or number per request, each distinct value once.

A column is named as the attribute of `RequestFacts`, or `metadata.plan`, `header.x-team`,
`patterns.<id>`; the local time is kept in two, `local_minute` and `local_day`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np

from apps.routing.backtest.hashing import Array, Texts, texts_of
from apps.routing.engine.fields import HEADER, METADATA
from apps.routing.engine.types import RequestFacts

PATTERN = "patterns."
MINUTE = "local_minute"
DAY = "local_day"
# What the request says and what its key says: rules read both as one.
TAG = "tag"
SEED = "seed"
REQUEST_ID = "request_id"
FAILS, UNDECIDABLE, HOLDS = 0, 1, 2
VERDICTS: Mapping[bool | None, int] = {False: FAILS, None: UNDECIDABLE, True: HOLDS}
NUMBERS = frozenset(
    {"prompt_tokens", "max_output_tokens", "now_ms", "arrived_ms", "temperature", "message_length"}
    | {"budget_left", "budget_left_percent", "prefix_tokens", "added_tokens"}
    | {"choices"}
)
SETS = frozenset(
    {"key_tags", "tags", "needs", "allowed_models", "allowed_regions", "tried_deployments"}
    | {"excluded_deployments", "providers_down", "providers_degraded"}
)
MAPPINGS: Mapping[str, str] = {"metadata": METADATA, "headers": HEADER, "patterns": PATTERN}
DEFAULTS: Mapping[str, Any] = {
    item.name: item.default
    for item in fields(RequestFacts)
    if item.name not in (*MAPPINGS, REQUEST_ID, "local_time")
}
# Whole numbers are compared as floats too: beyond this they would not be the same number.
MOST_EXACT = 2**53
# Up to so many possible pairs a table is quicker than sorting.
MOST_TABLED = 1 << 22


class Words(NamedTuple):
    """A column of values that recur: a code per row, `vocabulary[code]` is the value."""

    codes: Array
    vocabulary: Sequence[Any]


class Numbers(NamedTuple):
    """A column of numbers; `known` says which rows have one, None: all."""

    values: Array
    known: Array | None = None


type Column = Words | Numbers | Texts | Array


@dataclass(frozen=True, slots=True)
class Columns:
    """Facts of `count` requests; a metadata entry, a header or a pattern that no row has is absent.

    `seeds` are those of the decisions.
    """

    count: int
    words: Mapping[str, Words]
    numbers: Mapping[str, Numbers]
    patterns: Mapping[str, Array]
    request_ids: Texts
    seeds: Texts
    _texts: dict[str, Texts] = field(default_factory=dict, repr=False)

    def texts(self, name: str) -> Texts:
        """Return the words of a column ready to be hashed; no word is an empty one."""
        if name not in self._texts:
            self._texts[name] = texts_of(word or "" for word in self.words[name].vocabulary)
        return self._texts[name]

    def is_given(self, name: str) -> Array:
        """Return which words of a column say something."""
        return np.array([bool(word) for word in self.words[name].vocabulary])

    @property
    def nbytes(self) -> int:
        """Return the memory that the rows take, without the distinct values."""
        numbers = [part for item in self.numbers.values() for part in item if part is not None]
        codes = [item.codes for item in self.words.values()]
        texts = [self.request_ids, *([] if self.seeds is self.request_ids else [self.seeds])]
        arrays = [*numbers, *codes, *self.patterns.values(), *(part for t in texts for part in t)]
        return sum(array.nbytes for array in arrays if array.strides[0])


def columns_of(count: int, values: Mapping[str, Iterable[Any] | Column]) -> Columns:
    """Return columns from one iterable each, or from columns made before.

    What is not given has the default of `RequestFacts`; seeds are the request ids. Raises KeyError
    for what must be given, ValueError for a column of another length.
    """
    given = dict(_without_local_time(values))
    words: dict[str, Words] = {}
    numbers: dict[str, Numbers] = {}
    patterns: dict[str, Array] = {}
    ids, seeds = _texts(given.pop(REQUEST_ID)), given.pop(SEED, None)
    for name, items in given.items():
        if name in NUMBERS:
            numbers[name] = items if isinstance(items, Numbers) else _numbers(items)
        elif name.startswith(PATTERN):
            patterns[name.removeprefix(PATTERN)] = _verdicts(items)
        else:
            words[name] = items if isinstance(items, Words) else _words(name, items)
    for name in DEFAULTS.keys() - given.keys():
        _fill(name, count, words, numbers)
    for name in {MINUTE, DAY} - given.keys():
        words[name] = constant_words(count, None)
    words[TAG] = joined(words["tags"], words["key_tags"])
    columns = Columns(count, words, numbers, patterns, ids, ids if seeds is None else _texts(seeds))
    _check_lengths(columns)
    return columns


def joined(first: Words, second: Words) -> Words:
    """Return the pairs of two columns' values, each distinct pair once."""
    width = len(second.vocabulary)
    size = len(first.vocabulary) * width
    pairs = first.codes.astype(np.int64) * width + second.codes
    if size <= MOST_TABLED:
        is_there = np.zeros(size, dtype=bool)
        is_there[pairs] = True
        distinct, codes = np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[pairs]
    else:
        distinct, codes = np.unique(pairs, return_inverse=True)
    vocabulary = [
        (first.vocabulary[pair // width], second.vocabulary[pair % width])
        for pair in distinct.tolist()
    ]
    return Words(_compact(codes, len(vocabulary)), vocabulary)


def _without_local_time(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, items in values.items():
        if name != "local_time":
            yield name, items
            continue
        moments = list(items)
        yield MINUTE, [None if moment is None else moment.minute for moment in moments]
        yield DAY, [None if at is None else (at.date, at.weekday) for at in moments]


def _words(name: str, items: Iterable[Any]) -> Words:
    index: defaultdict[Any, int] = defaultdict()
    index.default_factory = index.__len__
    values = (None if item is None else tuple(item) for item in items) if name in SETS else items
    codes = np.fromiter(map(index.__getitem__, values), dtype=np.int64)
    return Words(_compact(codes, len(index)), list(index))


def _numbers(items: Iterable[float | None]) -> Numbers:
    listed = list(items)
    known = np.fromiter((item is not None for item in listed), dtype=bool, count=len(listed))
    if known.all():
        return Numbers(_exact(np.array(listed)))
    return Numbers(_exact(np.array([0 if item is None else item for item in listed])), known)


def _exact(values: Array) -> Array:
    """Return the numbers in the smallest type that holds them; raises ValueError."""
    if values.size and not bool((np.abs(values) < MOST_EXACT).all()):
        raise ValueError("a number is too large to be exact")
    if values.dtype.kind == "f":
        return values
    is_small = bool((np.abs(values) < 2**31).all())
    return values.astype(np.int32 if is_small else np.int64)


def _verdicts(items: Iterable[bool | None]) -> Array:
    if isinstance(items, np.ndarray):
        return items
    return np.fromiter(map(VERDICTS.__getitem__, items), dtype=np.uint8)


def _texts(items: Iterable[str] | Texts) -> Texts:
    return items if isinstance(items, Texts) else texts_of(items)


def _fill(name: str, count: int, words: dict[str, Words], numbers: dict[str, Numbers]) -> None:
    default = DEFAULTS[name]
    if default is MISSING:
        raise KeyError(name)
    if name not in NUMBERS:
        words[name] = constant_words(count, default)
    elif default is None:
        numbers[name] = Numbers(_constant(count), np.broadcast_to(np.False_, count))
    else:
        numbers[name] = Numbers(_constant(count, default))


def constant_words(count: int, word: Any) -> Words:
    """Return a column in which every row has the same word."""
    return Words(_constant(count), [word])


def _constant(count: int, number: int = 0) -> Array:
    """Return the same small number for every row; it takes no memory."""
    return np.broadcast_to(np.uint8(number), count)


def _compact(codes: Array, size: int) -> Array:
    return codes.astype(np.min_scalar_type(max(size - 1, 0)))


def _check_lengths(columns: Columns) -> None:
    lengths: list[tuple[str, int]] = [(REQUEST_ID, len(columns.request_ids.lengths))]
    lengths.append((SEED, len(columns.seeds.lengths)))
    lengths.extend((name, len(item.codes)) for name, item in columns.words.items())
    lengths.extend((name, len(item.values)) for name, item in columns.numbers.items())
    lengths.extend((name, len(item)) for name, item in columns.patterns.items())
    wrong = [name for name, length in lengths if length != columns.count]
    if wrong:
        raise ValueError(f"not {columns.count} rows: {', '.join(sorted(wrong))}")
