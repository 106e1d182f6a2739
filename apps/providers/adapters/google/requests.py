"""What we ask Gemini, built from the neutral request."""

from typing import Any

from google.genai import types

from apps.providers.adapters.base import ProviderCall
from apps.providers.adapters.sdk import split_system

# The provider takes no more stop sequences than these.
MAX_STOPS = 5


def build_contents(call: ProviderCall) -> tuple[str, list[types.ContentUnion]]:
    """Return the system instruction and the turns, where an assistant is called a model."""
    system, turns = split_system(call.request.messages)
    contents: list[types.ContentUnion] = [
        types.Content(
            role="model" if turn.role == "assistant" else "user",
            parts=[types.Part(text=turn.text)],
        )
        for turn in turns
    ]
    return system, contents


def build_config(call: ProviderCall, *, system: str) -> types.GenerateContentConfig:
    """Return the parameters; the SDK's own calling of functions is off."""
    request = call.request
    given: dict[str, Any] = {
        "system_instruction": system or None,
        "max_output_tokens": call.max_output_tokens or request.max_output_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop_sequences": list(request.stop[:MAX_STOPS]) or None,
        "automatic_function_calling": types.AutomaticFunctionCallingConfig(disable=True),
    }
    return types.GenerateContentConfig(**given)
