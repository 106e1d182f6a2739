"""Stable hashes: ids of texts that rules look for, shares of traffic, draws. No chance involved.

FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), finished as MurmurHash3 does: FNV alone leaves
ids that differ in their last sign next to each other.
"""

FNV_OFFSET = 0xCBF29CE484222325
FNV_PRIME = 0x100000001B3
MASK = (1 << 64) - 1
FINISHERS = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
# A float holds 53 bits: to multiply by a power of two loses none of them, and is quicker than to
# divide whole numbers.
UNUSED_BITS = 11
STEP = 2.0**-53


def spread(*parts: str) -> int:
    """Return a 64-bit number that depends on nothing but its arguments."""
    value = FNV_OFFSET
    for byte in "|".join(parts).encode("utf-8", "surrogatepass"):
        value = ((value ^ byte) * FNV_PRIME) & MASK
    return mix(value)


def mix(value: int) -> int:
    """Return another 64-bit number of which each bit depends on every bit."""
    for factor in FINISHERS:
        value = ((value ^ (value >> 33)) * factor) & MASK
    return value ^ (value >> 33)


def luck(draw: int, identity: int) -> float:
    """Return a number from 0 up to 1 for two 64-bit numbers that are hashes already."""
    return (((draw ^ identity) * FINISHERS[0] & MASK) >> UNUSED_BITS) * STEP


def unit_interval(value: int) -> float:
    """Return a 64-bit number as one from 0 up to, but not including, 1."""
    return (value >> UNUSED_BITS) * STEP


def fraction(*parts: str) -> float:
    """Return `spread` as a number from 0 up to, but not including, 1."""
    return unit_interval(spread(*parts))


def pattern_id(operator: str, text: str) -> str:
    """Return the id under which the facts tell whether a text of some rule was found."""
    # "contains" has no case: two spellings of one text are one question.
    return f"{spread(operator, text.casefold() if operator == 'contains' else text):016x}"
