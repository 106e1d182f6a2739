"""What a call may cost: integer micro-dollars, rounded up because it is reserved."""

from apps.routing.engine.types import Deployment

TOKENS_PER_PRICE_UNIT = 1_000_000


def worst_case_cost(deployment: Deployment, prompt_tokens: int, output_tokens: int) -> int:
    """Return the most that a call can cost: a full prompt at its dearest rate, the whole output."""
    dearest_input = max(deployment.input_price, deployment.cache_write_price)
    weighted = prompt_tokens * dearest_input + output_tokens * deployment.output_price
    return -(-weighted // TOKENS_PER_PRICE_UNIT)
