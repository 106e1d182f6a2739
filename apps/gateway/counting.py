"""Counting tokens without an answer: for which model, when the name is an alias or a rule's."""

from apps.gateway import pipeline
from apps.gateway.refusals import refusal_of
from apps.gateway.types import Ask


async def model_to_count_for(ask: Ask) -> str:
    """Return the model that would answer now; raises ModelNotFound for a name of nobody's.

    Nothing is called, reserved or booked. A request that would be refused is counted all the same.
    """
    run = await pipeline.route(ask)
    decision = run.decided()
    if decision.outcome == "unknown_model":
        raise refusal_of(decision, run.known_facts())
    return decision.attempts[0].model if decision.attempts else ask.chat.model
