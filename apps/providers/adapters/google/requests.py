"""What we ask Gemini's generateContent; a body of the same dialect is barely touched.

Source of the format: ai.google.dev/api/generate-content. Keys go out in camelCase.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.core.chat import ChatDetails, Dialect
from apps.providers.adapters.base import ProviderCall
from apps.providers.adapters.failures import not_expressible, refuse_losses
from apps.providers.adapters.google.content import Block
from apps.providers.adapters.google.families import SIGNS_CALLS_FROM, Version, version_of
from apps.providers.adapters.google.names import legal_name
from apps.providers.adapters.google.signatures import marked_contents
from apps.providers.adapters.google.thinking import build_thinking
from apps.providers.adapters.google.tools import (
    build_format,
    build_tools,
    needs_answer_tool,
    needs_json_words,
)
from apps.providers.adapters.google.turns import FILLER, Contents, build_contents, build_system
from apps.providers.adapters.sdk import read_details
from apps.providers.adapters.translation import ANSWER_TOOL, JSON_ONLY, callers_names

DIALECT: Dialect = "gemini"
# The provider takes no more stop sequences, alternatives and penalties than these.
MAX_STOPS = 5
MAX_CANDIDATES = 8
MAX_LOGPROBS = 20
MAX_PENALTY = 1.99
SEEDS = 2**31
CONFIG_NAMES = ("generationConfig", "generation_config")
LIMIT_NAMES = ("maxOutputTokens", "max_output_tokens")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The body of a request, and what the answer's reader must know of it.

    `names` are the caller's names of functions by those that went out, where they differ;
    `answer_tool` is the tool, if any, whose arguments are the answer that the caller asked for.
    """

    body: dict[str, Any]
    dropped: list[str] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)
    answer_tool: str = ""
    is_passed_through: bool = False


def build_request(call: ProviderCall) -> Outgoing:
    """Return the body; raises AttemptError for what the wire cannot express."""
    request = call.request
    if request.dialect == DIALECT and request.raw:
        return Outgoing(_passed_through(call), is_passed_through=True)
    return _translated(call)


def path_of(model: str, *, is_streamed: bool) -> str:
    """Return the address of a call below the version; tuned models have a folder of their own."""
    name = _resource(model)
    return f"{name}:streamGenerateContent?alt=sse" if is_streamed else f"{name}:generateContent"


def _resource(model: str) -> str:
    return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"


def _passed_through(call: ProviderCall) -> dict[str, Any]:
    body = call.request.body()
    if "model" in body:
        # The address says which model; another name here would contradict it.
        body["model"] = _resource(call.connection.upstream_model)
    if call.max_output_tokens is not None:
        _set_limit(body, call.max_output_tokens)
    if version_of(call.connection.upstream_model) >= SIGNS_CALLS_FROM:
        body["contents"] = marked_contents(body.get("contents"))
    return body


def _set_limit(body: dict[str, Any], limit: int) -> None:
    """Write the limit once, whichever of the two spellings the caller has."""
    name = next((name for name in CONFIG_NAMES if body.get(name)), CONFIG_NAMES[0])
    config = dict(body.get(name) or {})
    kept = next((name for name in LIMIT_NAMES if name in config), LIMIT_NAMES[0])
    body[name] = {**config, kept: limit}


def _translated(call: ProviderCall) -> Outgoing:
    details, dropped = read_details(call.request), list[str]()
    version = version_of(call.connection.upstream_model)
    _note_what_has_no_place(call, details, dropped)
    system, contents = _conversation(details, version, dropped)
    body: dict[str, Any] = {
        "contents": contents,
        **({"systemInstruction": {"parts": system}} if system else {}),
        **build_tools(details, version, dropped),
    }
    config = {
        **_limits(call),
        **_sampling(call, details, dropped),
        **build_format(details, version),
        **_thinking(call, details, dropped),
    }
    if config:
        body["generationConfig"] = config
    is_tool = needs_answer_tool(details, version)
    names = callers_names(details, legal_name)
    refuse_losses(call, dropped)
    return Outgoing(body, dropped, names, ANSWER_TOOL if is_tool else "")


def _note_what_has_no_place(call: ProviderCall, details: ChatDetails, dropped: list[str]) -> None:
    if call.request.choices > MAX_CANDIDATES:
        message = f"this provider gives {MAX_CANDIDATES} answers per request at most"
        raise not_expressible(message, param="n")
    if "audio" in (details.others.get("modalities") or ()):
        raise not_expressible("this provider does not speak its answers", param="modalities")
    if call.request.user:
        dropped.append("user")
    dropped += details.others


def _conversation(
    details: ChatDetails, version: Version, dropped: list[str]
) -> tuple[list[Block], Contents]:
    system = build_system(details.turns, dropped)
    contents = build_contents(details.turns, dropped, version)
    if not contents:
        # Instructions alone are legal elsewhere: they become the question.
        return [], [{"role": "user", "parts": system or [{"text": FILLER}]}]
    if needs_json_words(details, version):
        system.append({"text": JSON_ONLY})
    return system, contents


def _limits(call: ProviderCall) -> dict[str, Any]:
    stops = [stop for stop in call.request.stop if stop]
    if len(stops) > MAX_STOPS:
        message = f"this provider takes {MAX_STOPS} stop sequences at most"
        raise not_expressible(message, param="stop")
    limit = _limit(call)
    found: dict[str, Any] = {"maxOutputTokens": limit} if limit else {}
    return found | ({"stopSequences": stops} if stops else {})


def _limit(call: ProviderCall) -> int | None:
    return call.max_output_tokens or call.request.max_output_tokens


def _sampling(call: ProviderCall, details: ChatDetails, dropped: list[str]) -> dict[str, Any]:
    given = {
        "temperature": call.request.temperature,
        "topP": call.request.top_p,
        "candidateCount": call.request.choices if call.request.choices > 1 else None,
        # Zero alternatives would be none at all: the caller means no limit.
        "topK": details.top_k or None,
        # Seeds are shorter here: the same one becomes the same one.
        "seed": None if details.seed is None else details.seed % SEEDS,
        "frequencyPenalty": _penalty(details.frequency_penalty, "frequency_penalty", dropped),
        "presencePenalty": _penalty(details.presence_penalty, "presence_penalty", dropped),
        **_logprobs(details, dropped),
    }
    return {name: value for name, value in given.items() if value is not None}


def _penalty(wanted: float | None, name: str, dropped: list[str]) -> float | None:
    if wanted is None or wanted <= MAX_PENALTY:
        return wanted
    dropped.append(name)
    return MAX_PENALTY


def _logprobs(details: ChatDetails, dropped: list[str]) -> dict[str, Any]:
    wanted = details.top_logprobs
    if wanted is None:
        return {}
    if wanted > MAX_LOGPROBS:
        dropped.append("top_logprobs")
    return {"responseLogprobs": True, "logprobs": min(wanted, MAX_LOGPROBS) or None}


def _thinking(call: ProviderCall, details: ChatDetails, dropped: list[str]) -> dict[str, Any]:
    found = build_thinking(
        details.reasoning,
        call.connection.upstream_model,
        can_think=call.model.capabilities.get("reasoning") != "no",
        limit=_limit(call),
        dropped=dropped,
    )
    return {"thinkingConfig": found} if found else {}
