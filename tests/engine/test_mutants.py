"""The tests notice every change of the engine that makes a difference (see `mutants.py`)."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scale import IS_FULL, scaled

CHECKOUT = Path(__file__).parents[2]
SCOPES = "SCOPE_ORDER = {{'key': {}, 'project': 1, 'tenant': {}, 'global': {}}}"
REFUSED = "refused = health.credentials_down.get(item.credential, {}) > now_ms"
WORTH = "return {} if step.code in RULE_MISSES else 2"
BAD = (
    "is_bad = failures >= FAILURES_TO_EJECT or error_rate {} ERROR_RATE_TO_EJECT "
    "or state.probation > 0"
)
CUT = "if error_rate {} CUT_RATE_TO_EJECT and (not _is_old_news(state, event)):"
FORGIVEN = (
    "return {{'failures': 0, 'probation': probation, 'error_rate': error_rate, "
    "'ejections': 0 if is_over and (not probation) and (error_rate {} 0.02) else state.ejections}}"
)
FRESH = "fresh = math.exp(-age_ms / FADE_MS) if age_ms {} else 1.0"
FADED = "if fresh {}:"
LIMIT = "limit = _attempt_limit(matched, len(plan.groups)) if steps is not None else {}"
OTHER = "first = other.attempts[{}]"
SAME_FACTS = "if other.effects != matched.effects or other.facts is{} matched.facts:"
WHOLE_TEXT = "return value if len(value) {} LONGEST_TEXT else _cut(value)"
SHORT = "return math.ceil(short * MINUTE_MS / per_minute) if short {} else {}"
DOWN = "refused_until = self._health.credentials_down.get(deployment.credential, {})"
WAIT = "wait = state.retry_after_ms - now if state.retry_after_ms {} now else 0"
ENOUGH = "if wanted {} level:"
LIKELY = "if likely {} output:"
SLOWER = "memory_ms = SLOWER_MEMORY_MS if sample {} known else QUICKER_MEMORY_MS"
MOMENT = "if choice.strategy != 'cheapest' and len(ready) {} len(sound):"
SOON = (
    "later = [(self._promise(look), look.wait_ms) for look in sound"
    " if {} look.wait_ms <= LONGEST_MOMENT_MS and (not look.owes_proof)]"
)
PAIRS = "for look, (seconds, load, errors) in zip(ready, times, strict={}):"
LATE = "elif weight and burden {} slowest:"
SLOTS = "@dataclass(slots={})"
SLOTTED = ("filters", "load_balancer", "readiness")
EXACTLY = "an average of calls is never exactly that"
NOT_BELOW = "the longest of the waits is never below 0"
NOBODY = "there is nobody to tell of or to wait for"
# module, the line before, the lines after that make no difference, and why they make none
SAME: list[tuple[str, str, list[str], str]] = [
    (
        "fields",
        "@lru_cache(maxsize=4096)",
        ["@lru_cache(maxsize=4095)", "@lru_cache(maxsize=4097)"],
        "how much is remembered changes no answer",
    ),
    (
        "filters",
        REFUSED.format(0),
        [REFUSED.format(1), REFUSED.format(-1)],
        "what nobody refused is compared with a time that is always later",
    ),
    (
        "compile",
        SCOPES.format(0, 2, 3),
        [SCOPES.format(*places) for places in ((-1, 2, 3), (0, 3, 3), (0, 2, 4), (0, 2, 2))],
        "the order is the same, and a tenant's records stand before the platform's anyhow",
    ),
    ("health", BAD.format(">"), [BAD.format(">=")], EXACTLY),
    ("health", CUT.format(">"), [CUT.format(">=")], EXACTLY),
    ("health", FORGIVEN.format("<"), [FORGIVEN.format("<=")], EXACTLY),
    (
        "readiness",
        SHORT.format("> 0", 0),
        [SHORT.format(*case) for case in ((">= 0", 0), ("> -1", 0), ("> 0", -1))],
        NOT_BELOW,
    ),
    ("readiness", WAIT.format(">"), [WAIT.format(">=")], "no time is left either way"),
    ("readiness", ENOUGH.format(">"), [ENOUGH.format(">=")], "nothing is short either way"),
    ("readiness", LIKELY.format("<"), [LIKELY.format("<=")], "both are the same number"),
    ("averages", SLOWER.format(">"), [SLOWER.format(">=")], "nothing is to be learned"),
    (
        "readiness",
        DOWN.format(0),
        [DOWN.format(1), DOWN.format(-1)],
        "what nobody refused is compared with a time that is always later",
    ),
    (
        "readiness",
        "if len(ready) < len(looks):",
        ["if len(ready) <= len(looks):"],
        NOBODY,
    ),
    ("load_balancer", MOMENT.format("<"), [MOMENT.format("<=")], NOBODY),
    (
        "load_balancer",
        SOON.format("0 <"),
        [SOON.format("0 <="), SOON.format("-1 <")],
        "none of those that are ready takes so much longer than the best of them",
    ),
    ("load_balancer", PAIRS.format(True), [PAIRS.format(False)], "both have the same length"),
    ("load_balancer", LATE.format(">"), [LATE.format(">=")], "who is as late as that pays once"),
    *(
        (name, SLOTS.format(True), [SLOTS.format(False)], "without slots it is only slower")
        for name in SLOTTED
    ),
    (
        "prediction",
        FRESH.format("> 0"),
        [FRESH.format(case) for case in (">= 0", "> 1", "> -1")],
        "nothing has faded within a millisecond",
    ),
    (
        "prediction",
        FADED.format("< 1"),
        [FADED.format("<= 1"), FADED.format("< 2")],
        "what has not faded at all is what it was",
    ),
    ("attempts", LIMIT.format(1), [LIMIT.format(2)], "nobody looks at a second one"),
    ("request_router", OTHER.format(0), [OTHER.format(-1)], "there is one"),
    (
        "request_router",
        SAME_FACTS.format(" not"),
        [SAME_FACTS.format("")],
        "what differs of the facts are tags, which no balance reads",
    ),
    ("trace", WHOLE_TEXT.format("<="), [WHOLE_TEXT.format("<")], "the cut leaves what is whole"),
    (
        "load_balancer",
        "@lru_cache(maxsize=4096)",
        ["@lru_cache(maxsize=4095)", "@lru_cache(maxsize=4097)"],
        "how much is remembered changes no answer",
    ),
    ("trace", "return 0", ["return -1"], "the order is the same"),
    ("trace", WORTH.format(3), [WORTH.format(4)], "the order is the same"),
    (
        "trace",
        "RESERVED_BYTES = 96",
        ["RESERVED_BYTES = 95", "RESERVED_BYTES = 97"],
        "the room is larger than the line that it is for",
    ),
]
EQUIVALENT = {f"{name}: {old} -> {new}" for name, old, changed, _why in SAME for new in changed}


@pytest.mark.slow
def test_changes__of_the_engine__are_noticed_by_its_tests() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.mutants", str(scaled(16, 1))],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    survivors = set(done.stdout.splitlines())
    assert survivors - EQUIVALENT == set()
    # What is listed must still exist, or the list would hide another change one day.
    assert not IS_FULL or survivors == EQUIVALENT
