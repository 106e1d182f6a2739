"""The trace as it is kept: codes and numbers, few enough bytes to keep for every request.

The whole trace is never lost: `decide` makes it again from the logged facts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from apps.routing.engine.fields import fact_of
from apps.routing.engine.types import Scalar, TraceStep

MOST_BYTES = 4_096
# Room for the line that counts what is left out.
RESERVED_BYTES = 96
DIGITS = 3
# Lists of many names are cut; a name is shorter.
LONGEST_TEXT = 160
RULE_MISSES = frozenset(
    {"condition_failed", "condition_forbids", "condition_unmet", "fact_missing"}
)
# The step with what the clauses saw that did not hold: each fact once, for all rules after it.
FACTS_READ = "facts_read"
SEEN_IN = frozenset({"condition_failed", "condition_forbids"})
DECIDING = frozenset({"rule_matched", "rejected_by_rule", "unknown_name", "drawn", FACTS_READ})
UNTOLD = "steps_not_told"

type Packed = list[Any]


def told_steps(steps: Iterable[TraceStep]) -> list[TraceStep]:
    """Return the steps as people read them: each clause with what it saw."""
    seen: Mapping[str, Scalar] = {}
    whole: list[TraceStep] = []
    for step in steps:
        if step.code == FACTS_READ:
            seen = step.numbers
        elif step.code in SEEN_IN and "seen" not in step.numbers:
            fact = fact_of(str(step.numbers.get("field", "")), step.subject)
            known = {"seen": seen[fact]} if fact in seen else {}
            whole.append(step._replace(numbers={**step.numbers, **known}))
        else:
            whole.append(step)
    return whole


def loss_step(deployment: str, fields: str) -> TraceStep:
    """Return the step of a call after the decision that could not take the whole request."""
    return TraceStep("other", "fields_dropped", deployment, "removed", {"fields": fields})


def step_record(step: TraceStep) -> dict[str, Any]:
    """Return a step as plain data, for answers."""
    return {
        "layer": step.layer,
        "code": step.code,
        "subject": step.subject,
        "verdict": step.verdict,
        "numbers": {name: _short(value) for name, value in step.numbers.items()},
    }


def pack_trace(
    steps: Sequence[TraceStep], size_of: Callable[[Any], int], most_bytes: int = MOST_BYTES
) -> list[Packed]:
    """Return the steps as `[layer, code, subject, verdict, numbers]`, in `most_bytes` as JSON.

    `size_of` returns the bytes of a value as JSON without spaces. What does not fit is left out
    and counted: rules that did not match go first, the last of them first; the choice never goes.
    """
    left = most_bytes - RESERVED_BYTES
    kept: dict[int, Packed] = {}
    for place in sorted(range(len(steps)), key=lambda place: _place(steps[place])):
        packed = _packed(steps[place])
        size = size_of(packed) + 1
        if size <= left:
            left -= size
            kept[place] = packed
        elif steps[place].code in RULE_MISSES:
            # They come last, in their order: the first that does not fit ends it.
            break
    told = [kept[place] for place in sorted(kept)]
    untold = len(steps) - len(told)
    return [*told, ["other", UNTOLD, "", "removed", {"count": untold}]] if untold else told


def unpack_trace(packed: Iterable[Packed | Mapping[str, Any]]) -> list[TraceStep]:
    """Return kept steps, those that an earlier version kept as objects too."""
    return [
        TraceStep(step["layer"], step["code"], step["subject"], step["verdict"], step["numbers"])
        if isinstance(step, Mapping)
        else TraceStep(*step)
        for step in packed
    ]


def _place(step: TraceStep) -> int:
    """Return how soon a step is kept: the choice, what led to it, the rest, unmatched rules."""
    if step.verdict == "chosen":
        return 0
    if step.layer == "other" or step.code in DECIDING:
        return 1
    return 3 if step.code in RULE_MISSES else 2


def _packed(step: TraceStep) -> Packed:
    numbers = {name: _kept(value) for name, value in step.numbers.items()}
    return [step.layer, step.code, _cut(step.subject), step.verdict, numbers]


def _short(value: Scalar) -> Scalar:
    return round(value, DIGITS) if isinstance(value, float) else value


def _kept(value: Scalar) -> Scalar:
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else _cut(value)
    return round(value, DIGITS) if isinstance(value, float) else value


def _cut(value: Scalar) -> Scalar:
    is_long = isinstance(value, str) and len(value) > LONGEST_TEXT
    return f"{str(value)[: LONGEST_TEXT - 1]}…" if is_long else value
