"""What an attempt cost: the provider's own counts at the prices of the pinned snapshot."""

from apps.core.chat import TokenUsage
from apps.core.money import cost_rounded_half_up
from apps.core.tokens import estimate_tokens
from apps.gateway.prompt_size import estimate_prompt
from apps.gateway.types import Run
from apps.routing.engine.types import Attempt, Deployment


def deployment_of(run: Run, attempt: Attempt) -> Deployment:
    """Return the deployment that an attempt was planned on."""
    candidates = run.pinned.snapshot.deployments[attempt.model]
    return next(item for item in candidates if item.id == attempt.deployment_id)


def cost_of(usage: TokenUsage, deployment: Deployment) -> int:
    """Return micro-dollars, rounded half up once; cached and written tokens have own prices."""
    plain = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
    return cost_rounded_half_up(
        max(plain, 0) * deployment.input_price
        + usage.cached_input_tokens * deployment.cached_input_price
        + usage.cache_write_tokens * deployment.cache_write_price
        + usage.output_tokens * deployment.output_price
    )


def estimate_usage(run: Run, model: str, text: str) -> TokenUsage:
    """Return counts for an answer that came without them, and say that they are estimates."""
    return TokenUsage(
        input_tokens=estimate_prompt(run, model),
        output_tokens=estimate_tokens(model, text),
        is_estimated=True,
    )
