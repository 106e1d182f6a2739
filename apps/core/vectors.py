"""Vectors in the two forms that wires have: numbers, and base64 of little-endian float32."""

import base64
import binascii
import struct
from collections.abc import Sequence

from apps.core.chat import Vector

FLOAT_BYTES = 4
# The largest finite number of IEEE 754 binary32.
LARGEST_FLOAT = 3.4028234663852886e38


def as_numbers(vector: Vector) -> Sequence[float]:
    """Return a vector as numbers; raises ValueError when base64 holds none."""
    if not isinstance(vector, str):
        return vector
    data = _bytes(vector)
    return struct.unpack(f"<{len(data) // FLOAT_BYTES}f", data)


def as_base64(vector: Vector) -> str:
    """Return a vector in base64."""
    if isinstance(vector, str):
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def dimensions_of(vector: Vector) -> int:
    """Return how many numbers a vector has; raises ValueError when it is none."""
    if isinstance(vector, str):
        return len(_bytes(vector)) // FLOAT_BYTES
    if not all(type(value) is float or type(value) is int for value in vector):
        raise ValueError("the vector is not made of numbers")
    if vector and max(map(abs, vector)) > LARGEST_FLOAT:
        raise ValueError("the vector has numbers beyond float32")
    return len(vector)


def _bytes(vector: str) -> bytes:
    try:
        data = base64.b64decode(vector, validate=True)
    except binascii.Error as error:
        raise ValueError("the vector is not base64") from error
    if len(data) % FLOAT_BYTES:
        raise ValueError("the vector is not made of float32")
    return data
