"""What a call may cost, and is likely to: integer micro-dollars, rounded up because reserved."""

from apps.routing.engine.types import Deployment

TOKENS_PER_PRICE_UNIT = 1_000_000


def worst_case_cost(deployment: Deployment, prompt_tokens: int, output_tokens: int) -> int:
    """Return the most that a call can cost: a full prompt at its dearest rate, the whole output."""
    dearest_input = max(deployment.input_price, deployment.cache_write_price)
    weighted = prompt_tokens * dearest_input + output_tokens * deployment.output_price
    return -(-weighted // TOKENS_PER_PRICE_UNIT)


def expected_cost(
    deployment: Deployment, prompt_tokens: int, output_tokens: int, cached_tokens: int = 0
) -> int:
    """Return what a call is likely to cost with so many tokens of the prompt in the cache."""
    weighted = prompt_tokens * deployment.input_price + output_tokens * deployment.output_price
    if cached_tokens:
        saved = deployment.input_price - deployment.cached_input_price
        weighted -= min(cached_tokens, prompt_tokens) * saved
    return -(-weighted // TOKENS_PER_PRICE_UNIT)
