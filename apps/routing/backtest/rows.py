"""Some rows of the columns, looked at together: what is read twice is gathered once."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from apps.routing.backtest.columns import TAG, Columns, Numbers
from apps.routing.backtest.hashing import Array, Texts


class TagBook:
    """Every set of tags that a row has or gets: rules that go on may add some to a request.

    A word is what the request says and what its key says.
    """

    def __init__(self, columns: Columns) -> None:
        self.words: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
        self._codes: dict[Any, int] = {}
        for word in columns.words[TAG].vocabulary:
            self._code(word)

    def with_tags(self, codes: Array, tags: Sequence[str]) -> Array:
        """Return the codes of the same sets with these tags."""
        distinct, places = np.unique(codes, return_inverse=True)
        longer = [self._code(_tagged(self.words[code], tags)) for code in distinct.tolist()]
        return np.array(longer, dtype=np.intp)[places]

    def _code(self, word: tuple[tuple[str, ...], tuple[str, ...]]) -> int:
        code = self._codes.setdefault(word, len(self.words))
        if code == len(self.words):
            self.words.append(word)
        return code


def _tagged(word: tuple[tuple[str, ...], tuple[str, ...]], tags: Iterable[str]) -> Any:
    said, of_key = word
    return (*said, *(tag for tag in tags if tag not in said)), of_key


class Rows:
    """Rows of the columns; `places` says which."""

    def __init__(self, columns: Columns, tags: TagBook, places: Array, tag_codes: Array) -> None:
        self.tags = tags
        self.places = places
        self._columns = columns
        self._codes = {TAG: tag_codes}
        self._numbers: dict[str, Numbers] = {}

    @classmethod
    def of(cls, columns: Columns, tags: TagBook, start: int, stop: int) -> "Rows":
        codes = columns.words[TAG].codes[start:stop].astype(np.intp)
        return cls(columns, tags, np.arange(start, min(stop, columns.count)), codes)

    def __len__(self) -> int:
        return len(self.places)

    def take(self, chosen: Array) -> "Rows":
        """Return some of these rows, by their place among them."""
        return Rows(self._columns, self.tags, self.places[chosen], self._codes[TAG][chosen])

    def codes(self, name: str) -> Array:
        """Return the codes of a column of words."""
        if name not in self._codes:
            # Codes are kept small; as an index numpy wants them large: done once.
            self._codes[name] = self._columns.words[name].codes[self.places].astype(np.intp)
        return self._codes[name]

    def numbers(self, name: str) -> Numbers:
        """Return a column of numbers."""
        if name not in self._numbers:
            values, known = self._columns.numbers[name]
            here = None if known is None else known[self.places]
            self._numbers[name] = Numbers(values[self.places], here)
        return self._numbers[name]

    def verdicts(self, pattern: str) -> Array | None:
        """Return whether a text was found in each message; None: nobody looked for it."""
        found = self._columns.patterns.get(pattern)
        return None if found is None else found[self.places]

    def request_ids(self) -> Texts:
        return self._columns.request_ids.at(self.places)

    def add_tags(self, chosen: Array, tags: Sequence[str]) -> None:
        """Give some rows further tags."""
        codes = self._codes[TAG]
        codes[chosen] = self.tags.with_tags(codes[chosen], tags)
