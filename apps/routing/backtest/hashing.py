"""The engine's stable hashes over many texts at once; `engine.hashing` is what they must equal."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from apps.routing.engine.hashing import FINISHERS, FNV_OFFSET, FNV_PRIME, MASK

type Array = np.ndarray
type Rows = slice | Array

PRIME = np.uint64(FNV_PRIME)
FOLD = np.uint64(33)
# So many values at once stay in the processor's cache while byte after byte is taken in.
BLOCK = 1 << 14


class Texts(NamedTuple):
    """Texts as a matrix of bytes, one column each, with the number of bytes that count."""

    matrix: Array
    lengths: Array

    def at(self, rows: Rows) -> "Texts":
        return Texts(self.matrix[:, rows], self.lengths[rows])

    def text(self, row: int) -> str:
        return bytes(self.matrix[: self.lengths[row], row]).decode("utf-8", "surrogatepass")


def texts_of(values: Iterable[str]) -> Texts:
    """Return texts ready to be hashed."""
    encoded = [value.encode("utf-8", "surrogatepass") for value in values]
    lengths = np.fromiter(map(len, encoded), dtype=np.uint32, count=len(encoded))
    width = max(int(lengths.max(initial=0)), 1)
    # numpy fills up with zeros; how many of them were meant is in `lengths`.
    matrix = np.array(encoded, dtype=f"S{width}").view(np.uint8).reshape(len(encoded), width)
    return Texts(np.ascontiguousarray(matrix.T), lengths)


def spread(before: str, texts: Texts, after: str = "") -> Array:
    """Return `engine.hashing.spread` of each text, with what stands before and after it."""
    start = _absorb(FNV_OFFSET, before.encode("utf-8", "surrogatepass"))
    ends = [np.uint64(byte) for byte in after.encode("utf-8", "surrogatepass")]
    values = np.full(len(texts.lengths), start, dtype=np.uint64)
    for first in range(0, len(values), BLOCK):
        block = slice(first, first + BLOCK)
        _absorb_each(values[block], texts.at(block))
        for byte in ends:
            values[block] ^= byte
            values[block] *= PRIME
    return mix(values)


def _absorb_each(values: Array, texts: Texts) -> None:
    """Take a text into each value, byte by byte, in place."""
    shortest = int(texts.lengths.min())
    for place, bytes_here in enumerate(texts.matrix):
        if place < shortest:
            values ^= bytes_here
            values *= PRIME
        else:
            longer = np.flatnonzero(texts.lengths > place)
            values[longer] = (values[longer] ^ bytes_here[longer]) * PRIME


def mix(values: Array) -> Array:
    """Return `engine.hashing.mix` of each number."""
    for factor in FINISHERS:
        values = (values ^ (values >> FOLD)) * np.uint64(factor)
    mixed: Array = values ^ (values >> FOLD)
    return mixed


def luck(draws: Array, identity: int) -> Array:
    """Return `engine.hashing.luck` of each number with one that is a hash already."""
    return unit_interval((draws ^ np.uint64(identity)) * np.uint64(FINISHERS[0]))


def unit_interval(values: Array) -> Array:
    """Return `engine.hashing.unit_interval` of each number."""
    return (values >> np.uint64(11)) / float(1 << 53)


def fractions(salt: str, texts: Texts) -> Array:
    """Return `engine.hashing.fraction` of the salt and each text."""
    return unit_interval(spread(f"{salt}|", texts))


def _absorb(value: int, text: bytes) -> int:
    for byte in text:
        value = ((value ^ byte) * FNV_PRIME) & MASK
    return value
