"""Tells a decision in plain sentences, in English or Brazilian Portuguese."""

from collections.abc import Iterable
from typing import Any

from apps.routing.engine.fields import HEADER, METADATA
from apps.routing.engine.sentences import SENTENCES, WORDS
from apps.routing.engine.trace import told_steps, unpack_trace
from apps.routing.engine.types import Decision, Scalar, TraceStep

ENGLISH = "en"
PORTUGUESE = "pt-br"
MICRO = 1_000_000
NOTHING_SEEN = ("nothing", "nada")
YES_OR_NO = (("no", "yes"), ("não", "sim"))
MONEY = frozenset({"cost", "left", "most_cost", "price", "cap", "cost_difference"})
DURATIONS = frozenset({"wait_ms", "expected_ms", "cap_ms"})
NAMED = frozenset({"field", "operator", "unit", "outcome"})


def explain(decision: Decision, language: str) -> list[str]:
    """Return one sentence for each step of the trace as it is told."""
    return _sentences(decision.trace, language)


def explain_steps(steps: Iterable[Any], language: str) -> list[str]:
    """Return sentences for steps as they are kept (see `pack_trace`)."""
    return _sentences(unpack_trace(steps), language)


def word(name: str, language: str) -> str:
    """Return what a field, an operator or an outcome is called, or its own name."""
    return _word(name, _column(language))


def _sentences(steps: Iterable[TraceStep], language: str) -> list[str]:
    column = _column(language)
    return [_sentence(step, column) for step in told_steps(steps)]


def _column(language: str) -> int:
    return 1 if language.lower().startswith("pt") else 0


def _sentence(step: TraceStep, column: int) -> str:
    texts = SENTENCES.get(step.code)
    if texts is None:
        return f"{step.subject}: {step.code}"
    shown = {name: _shown(name, value, column) for name, value in step.numbers.items()}
    return texts[column].format_map(_Told({**shown, "subject": step.subject}))


class _Told(dict[str, str]):
    """A number that an earlier version did not keep leaves a gap, never an error."""

    def __missing__(self, _name: str) -> str:
        return "…"


def _shown(name: str, value: Scalar, column: int) -> str:
    if name == "seen" and value == "":
        return NOTHING_SEEN[column]
    if name in NAMED:
        return _word(str(value), column)
    if name in MONEY and isinstance(value, int):
        sign = "+" if name == "cost_difference" and value >= 0 else ""
        return _decimal(f"{sign}{value / MICRO:.6f} USD", column)
    if name in DURATIONS and isinstance(value, int | float):
        return _decimal(f"{value / 1_000:.1f} s", column)
    return _plain(value, column)


def _plain(value: Scalar, column: int) -> str:
    if isinstance(value, bool):
        return YES_OR_NO[column][value]
    return _decimal(f"{value:.2f}", column) if isinstance(value, float) else str(value)


def _decimal(text: str, column: int) -> str:
    return text.replace(".", ",") if column else text


def _word(name: str, column: int) -> str:
    for prefix in (METADATA, HEADER):
        if name.startswith(prefix):
            return f"{WORDS[prefix.rstrip('.')][column]} “{name.removeprefix(prefix)}”"
    return WORDS.get(name, (name, name))[column]
