"""Vectors that mean something: texts with words in common point in a common direction."""

import hashlib
import math

from apps.core.chat import EmbeddingAsk

DIMENSIONS = 256


def simulated_vectors(asked: EmbeddingAsk) -> tuple[tuple[float, ...], ...]:
    """Return a vector of length 1 for each input, the same for the same input."""
    size = asked.dimensions or DIMENSIONS
    return tuple(_vector(_words(given), size) for given in asked.inputs)


def _words(given: str | tuple[int, ...]) -> list[str]:
    return given.casefold().split() if isinstance(given, str) else [str(one) for one in given]


def _vector(words: list[str], size: int) -> tuple[float, ...]:
    """Add up a fixed axis for each word, so that what is alike comes out alike."""
    sums = [0.0] * size
    for word in words or [""]:
        digest = hashlib.sha256(word.encode("utf-8", "replace")).digest()
        sums[int.from_bytes(digest[:4]) % size] += 1.0 if digest[4] % 2 else -1.0
    length = math.sqrt(sum(value * value for value in sums))
    # Words may cancel each other out; a vector of nothing has no direction.
    return tuple(value / length for value in sums) if length else (1.0, *sums[1:])
