"""What the provider that answered was not told, named for the caller and for the log."""

import re
from collections.abc import Iterable, Sequence

from apps.core.chat import ChatRequest, Choice
from apps.gateway.types import Run
from apps.routing.engine.trace import loss_step
from apps.routing.engine.types import TraceStep

# Names of the caller's own choice must fit a header, and a page of the log.
NAME = re.compile(r"[a-zA-Z0-9_.]{1,60}")
MOST_NAMES = 20


def shown_names(fields: Iterable[str]) -> str:
    """Return the names with commas; one that is not plain is called "other"."""
    shown = dict.fromkeys(name if NAME.fullmatch(name) else "other" for name in fields)
    return ", ".join(list(shown)[:MOST_NAMES])


def trace_of(run: Run) -> tuple[TraceStep, ...]:
    """Return the decision's trace, with what got lost on the way to who answered."""
    steps = run.decided().trace
    if not run.dropped or run.chosen is None:
        return steps
    return (*steps, loss_step(run.chosen.deployment, shown_names(run.dropped)))


def missing_answers(chat: ChatRequest, others: Sequence[Choice]) -> tuple[str, ...]:
    """Return what a request for several answers has lost to a provider that gave fewer."""
    return ("n",) if 1 + len(others) < chat.choices else ()


def refuses_loss(run: Run) -> bool:
    """Say whether the route wants a request to be taken as it is, or not at all."""
    return run.decided().effects.on_unsupported == "refuse"
