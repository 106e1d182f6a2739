"""How long a request is for a model, estimated before the call."""

from apps.core.tokens import estimate_request
from apps.gateway.types import Run


def estimate_prompt(run: Run, model: str) -> int:
    """Return about how many input tokens a run costs, what the router adds included."""
    return estimate_request(model, run.outgoing)
