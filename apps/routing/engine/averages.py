"""Averages of answer times: of late, and as usual.

Of late: a bad surprise counts at once and good news slowly, after the "peak EWMA" of Twitter's
Finagle. As usual: learned slowly, so that what was seen long ago can fade to it.
"""

import math

# How long the average of late remembers, and how much one call may move it.
TIME_MEMORY_MS = 10_000.0
MOST_KEPT_OF_A_BAD_SURPRISE = 0.6
LEAST_KEPT = 0.8
SURPRISE_FACTOR = 1.5
# An average that nothing has confirmed for so long gives way to whatever comes.
AGED_MS = 8_000
# What is quicker is usual soon; an incident must not become usual while it lasts, however many
# calls it meets, and no call looks more than so many times as slow. By its usual times is judged
# who is not called any more, and who has too many calls.
QUICKER_MEMORY_MS = 20_000.0
SLOWER_MEMORY_MS = 600_000.0
MOST_UNUSUAL = 2
# The first call after a long silence is one call all the same.
LONGEST_SILENCE_MS = 10_000


def learned(known: float, sample: float, age_ms: float) -> float:
    """Return an average of late after one more sample, `age_ms` after the one before."""
    keep = math.exp(-max(age_ms, 0.0) / TIME_MEMORY_MS)
    if sample > SURPRISE_FACTOR * known:
        keep = min(keep, MOST_KEPT_OF_A_BAD_SURPRISE)
    elif age_ms < AGED_MS:
        keep = max(keep, LEAST_KEPT)
    return keep * known + (1 - keep) * sample


def usual(known: float, sample: float, age_ms: float) -> float:
    """Return what is usual after one more sample, `age_ms` after the last; 0 is not known yet."""
    if not known:
        return sample
    memory_ms = SLOWER_MEMORY_MS if sample > known else QUICKER_MEMORY_MS
    weight = 1 - math.exp(-min(max(age_ms, 0.0), LONGEST_SILENCE_MS) / memory_ms)
    return known + weight * (min(sample, MOST_UNUSUAL * known) - known)
