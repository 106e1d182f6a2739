"""What we ask Anthropic's messages endpoint, built from the neutral request."""

from typing import Any

from apps.core.chat import ChatRequest
from apps.providers.adapters.base import ProviderCall
from apps.providers.adapters.sdk import split_system

# The provider demands a limit; this one serves callers who name none.
DEFAULT_MAX_TOKENS = 4_096
MAX_TEMPERATURE = 1.0


def build_arguments(call: ProviderCall) -> dict[str, Any]:
    """Return the arguments of `messages.create`."""
    system, turns = split_system(call.request.messages)
    arguments: dict[str, Any] = {
        "model": call.connection.upstream_model,
        "max_tokens": call.max_output_tokens
        or call.request.max_output_tokens
        or DEFAULT_MAX_TOKENS,
        "messages": [{"role": turn.role, "content": turn.text} for turn in turns],
    }
    if system:
        arguments["system"] = system
    stops = [stop for stop in call.request.stop if stop.strip()]
    if stops:
        arguments["stop_sequences"] = stops
    sampling = build_sampling(call.request)
    if sampling:
        # The SDK has no names for these any more; some models still take them.
        arguments["extra_body"] = sampling
    return arguments


def build_sampling(request: ChatRequest) -> dict[str, float]:
    """Return one sampling parameter at most: models refuse both together, and more than 1."""
    if request.temperature is not None:
        return {"temperature": min(request.temperature, MAX_TEMPERATURE)}
    return {} if request.top_p is None else {"top_p": request.top_p}
