"""The parameters of OpenAI's chat completions: which there are, and what bounds them."""

import re
from collections.abc import Iterable

from apps.providers.wire_servers.demands import demand, is_whole, is_within, unknown_keys
from apps.providers.wire_servers.exchange import Json

KNOWN = (
    *("messages", "model", "audio", "frequency_penalty", "function_call", "functions"),
    *("logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "metadata", "modalities"),
    *("n", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key"),
    *("prompt_cache_retention", "reasoning_effort", "response_format", "safety_identifier", "seed"),
    *("service_tier", "stop", "store", "stream", "stream_options", "temperature", "tool_choice"),
    *("tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options"),
)
# These refuse `max_tokens` and any sampling but the default.
REASONING_MODEL = re.compile(r"o\d|gpt-[5-9](?!.*chat)")
SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
DEFAULTS = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
LIMITS = ("max_tokens", "max_completion_tokens")
MAX_STOPS = 4


def check_parameters(body: Json, *, is_lenient: bool) -> None:
    """Refuse unknown parameters and values out of bounds."""
    if not is_lenient:
        check_known(body, KNOWN)
    for name, most in (("temperature", 2), ("top_p", 1)):
        demand(is_within(body.get(name), most), f"Invalid '{name}': at most {most}.", param=name)
    for name in LIMITS:
        value = body.get(name)
        demand(value is None or is_whole(value, least=1), f"Invalid '{name}'.", param=name)
    demand(
        any(body.get(name) is None for name in LIMITS),
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        param="max_tokens",
    )
    demand(
        body.get("metadata") is None or body.get("store"),
        "The 'metadata' parameter is only allowed when 'store' is enabled.",
        param="metadata",
    )
    _check_stop(body.get("stop"))
    _check_stream(body)
    if REASONING_MODEL.match(body["model"]):
        _check_reasoning(body)


def check_known(body: Json, known: Iterable[str]) -> None:
    """Refuse the first parameter that there is not."""
    for name in unknown_keys(body, known):
        message = f"Unrecognized request argument supplied: {name}"
        demand(False, message, code="unknown_parameter", param=name)


def _check_stop(stop: object) -> None:
    is_list = isinstance(stop, list) and len(stop) <= MAX_STOPS
    message = f"Invalid 'stop': at most {MAX_STOPS} sequences."
    demand(stop is None or isinstance(stop, str) or is_list, message, param="stop")


def _check_stream(body: Json) -> None:
    demand(
        body.get("stream_options") is None or body.get("stream") is True,
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        param="stream_options",
    )


def _check_reasoning(body: Json) -> None:
    demand(
        body.get("max_tokens") is None,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
        " 'max_completion_tokens' instead.",
        code="unsupported_parameter",
        param="max_tokens",
    )
    for name in SAMPLING:
        demand(
            body.get(name) in (None, DEFAULTS[name]),
            f"Unsupported value: '{name}' does not support {body.get(name)} with this model. Only"
            f" the default ({DEFAULTS[name]}) value is supported.",
            code="unsupported_value",
            param=name,
        )
