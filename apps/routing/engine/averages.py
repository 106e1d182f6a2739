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
# An incident must not become usual: what is slower counts a tenth, and no call looks more than so
# many times as slow. Who is not called any more is judged by its usual times.
USUAL_WEIGHT = 0.02
SLOWER_WEIGHT = 0.002
MOST_UNUSUAL = 2


def learned(known: float, sample: float, age_ms: float) -> float:
    """Return an average of late after one more sample, `age_ms` after the one before."""
    keep = math.exp(-max(age_ms, 0.0) / TIME_MEMORY_MS)
    if sample > SURPRISE_FACTOR * known:
        keep = min(keep, MOST_KEPT_OF_A_BAD_SURPRISE)
    elif age_ms < AGED_MS:
        keep = max(keep, LEAST_KEPT)
    return keep * known + (1 - keep) * sample


def usual(known: float, sample: float) -> float:
    """Return what is usual after one more sample; 0 is not known yet."""
    if not known:
        return sample
    weight = SLOWER_WEIGHT if sample > known else USUAL_WEIGHT
    return known + weight * (min(sample, MOST_UNUSUAL * known) - known)
