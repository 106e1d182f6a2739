"""A finished request as our own API tells it; `complete` and jobs answer alike."""

from typing import Any

from apps.gateway.types import Completion
from apps.gateway.wire import router_answer


def render_completion(done: Completion) -> dict[str, Any]:
    """Return the answer as `POST /api/v1/complete` gives it."""
    run = done.run
    return {
        "id": run.request_id,
        "decision_id": run.decision_id,
        "model": run.model,
        "provider": run.chosen.provider if run.chosen else "",
        "conversation_id": run.context.id if run.context else None,
        "cache": run.cache,
        "cost": router_answer.render_cost(run.cost),
        **router_answer.render_answer(done.response),
    }
