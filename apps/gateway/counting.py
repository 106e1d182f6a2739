"""Counting the tokens of a request without an answer, for every dialect that asks."""

from apps.gateway import pipeline
from apps.gateway.refusals import refusal_of
from apps.gateway.types import Ask, Run


async def count(ask: Ask) -> Run:
    """Return a run whose facts have the estimate (`prompt_tokens`); nobody is called or booked.

    A request that would be refused is counted all the same; a name of nobody's raises
    ModelNotFound.
    """
    run = await pipeline.route(ask)
    if run.decided().outcome == "unknown_model":
        raise refusal_of(run.decided(), run.known_facts())
    return run
