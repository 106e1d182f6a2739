"""What we send to an OpenAI-compatible server; a body of the same dialect is barely touched."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from apps.core.chat import ChatDetails, ChatRequest
from apps.providers.adapters.base import Connection, ProviderCall
from apps.providers.adapters.failures import not_expressible, refuse_losses
from apps.providers.adapters.openai.content import Spelling
from apps.providers.adapters.openai.families import (
    MODERN_FAMILY,
    SAMPLING_DEFAULTS,
    UNSAMPLED_FAMILY,
)
from apps.providers.adapters.openai.passthrough import fit_messages
from apps.providers.adapters.openai.quirks import Quirks, quirks_of
from apps.providers.adapters.openai.reasoning import build_reasoning, is_openais_thinker
from apps.providers.adapters.openai.tools import build_format, build_tools
from apps.providers.adapters.openai.turns import build_messages
from apps.providers.adapters.registry import address_of
from apps.providers.adapters.sdk import read_details

DIALECT: Final = "openai.chat"
CHAT, EMBEDDINGS = "chat/completions", "embeddings"
# Longer ids of users are refused; other dialects have longer ones.
LONGEST_USER = 128
# The provider takes no more stop sequences than these.
MAX_STOPS = 4
LIMIT_NAMES = ("max_completion_tokens", "max_tokens")
# Azure's newer addresses are OpenAI's own: the model in the body, no version to name.
AZURES_NEWER_PATH = "/openai/v1"
# Fields of OpenAI's other dialect that are the same in this one.
SHARED_WITH_RESPONSES = ("prompt_cache_key", "prompt_cache_retention", "service_tier")
# What a translated request can do without. What ends an answer, or forms it, is not among it.
EXPENDABLE = (
    *SAMPLING_DEFAULTS,
    *("reasoning_effort", "reasoning", "logprobs", "top_logprobs", "seed", "top_k"),
    *("parallel_tool_calls", "user", "safety_identifier"),
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The body as it is sent, how it was written, and what the request lost on the way.

    `expendable` are fields that may go when the server refuses them.
    """

    body: dict[str, Any]
    spelling: Spelling
    expendable: tuple[str, ...] = ()

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.spelling.dropped))


def build_headers(call: ProviderCall) -> dict[str, str]:
    """Return the headers of a call; nothing of the client's own headers is among them."""
    headers = {"content-type": "application/json", "x-client-request-id": call.request_id}
    secret = call.connection.secret
    if secret:
        name = quirks_of(call.connection).key_header
        headers[name] = f"Bearer {secret}" if name == "authorization" else secret
    return headers


def build_url(connection: Connection, service: str = CHAT) -> str:
    """Return the address of a service; a query in the base address is kept."""
    quirks = quirks_of(connection)
    parts = urlsplit(address_of(connection))
    path, query = parts.path.rstrip("/"), parts.query
    if quirks.names_model_in_path and not path.endswith(AZURES_NEWER_PATH):
        model = quote(connection.upstream_model, safe="")
        path = f"{path.removesuffix('/openai')}/openai/deployments/{model}"
        query = urlencode({"api-version": quirks.api_version, **dict(parse_qsl(query))})
    return urlunsplit((parts.scheme, parts.netloc, f"{path}/{service}", query, ""))


def build_request(call: ProviderCall, *, is_streamed: bool) -> Outgoing:
    """Return the body; the caller's own when it speaks this dialect, with only ours replaced."""
    request, quirks = call.request, quirks_of(call.connection)
    is_thinker = quirks.has_developer_role and is_openais_thinker(call, quirks)
    spelling = Spelling(quirks, "developer" if is_thinker else "system")
    if request.choices > 1 and not quirks.gives_choices:
        raise not_expressible("this server gives one answer per request", param="n")
    is_own = request.dialect == DIALECT and bool(request.raw)
    body = _passed_through(request, spelling) if is_own else _translated(call, spelling)
    body["model"] = call.connection.upstream_model
    _set_limit(body, call, quirks)
    _set_streaming(body, is_streamed=is_streamed)
    _fit_fields(body, call, spelling)
    # What a caller wrote in this dialect stands, but for what newer models refuse.
    own = (*SAMPLING_DEFAULTS, *request.parameters)
    refuse_losses(call, spelling.dropped)
    return Outgoing(body, spelling, own if is_own else EXPENDABLE)


def _passed_through(request: ChatRequest, spelling: Spelling) -> dict[str, Any]:
    body = request.body()
    if "messages" in body:
        body["messages"] = fit_messages(body["messages"], spelling)
    if not body.get("store"):
        # Tags of ours: the provider refuses metadata of answers that it does not store.
        body.pop("metadata", None)
    return body


def _translated(call: ProviderCall, spelling: Spelling) -> dict[str, Any]:
    request = call.request
    details = read_details(request)
    body: dict[str, Any] = {
        "model": "",
        "messages": build_messages(details.turns, spelling),
        **build_tools(details, spelling),
        **build_format(details.answer_format, spelling),
        **build_reasoning(details.reasoning, call, spelling),
        **_sampling(request, details, spelling),
        **_others(request, details, spelling),
    }
    if request.choices > 1:
        body["n"] = request.choices
    if request.max_output_tokens is not None:
        body[LIMIT_NAMES[1]] = request.max_output_tokens
    if request.stop:
        body["stop"] = list(request.stop[:MAX_STOPS])
    if len(request.stop) > MAX_STOPS:
        spelling.dropped.append("stop")
    if request.user:
        body[spelling.quirks.user_field] = _user_id(request.user)
    return body


def _user_id(user: str) -> str:
    """Return whom it is for, within the provider's limit: the same for the same user."""
    if len(user) <= LONGEST_USER:
        return user
    return hashlib.sha256(user.encode("utf-8", "replace")).hexdigest()


def _sampling(request: ChatRequest, details: ChatDetails, spelling: Spelling) -> dict[str, Any]:
    wanted = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "frequency_penalty": details.frequency_penalty,
        "presence_penalty": details.presence_penalty,
        "seed": details.seed,
        "logprobs": None if details.top_logprobs is None else True,
        "top_logprobs": details.top_logprobs or None,
    }
    if details.top_k is not None and spelling.quirks.has_top_k:
        wanted["top_k"] = details.top_k
    elif details.top_k is not None:
        spelling.dropped.append("top_k")
    return {name: value for name, value in wanted.items() if value is not None}


def _others(request: ChatRequest, details: ChatDetails, spelling: Spelling) -> dict[str, Any]:
    """Return the fields that mean the same in both of OpenAI's dialects; the rest is lost."""
    is_openais = request.dialect == "openai.responses"
    kept = SHARED_WITH_RESPONSES if is_openais else ()
    spelling.dropped.extend(name for name in details.others if name not in kept)
    return {name: details.others[name] for name in kept if name in details.others}


def _set_limit(body: dict[str, Any], call: ProviderCall, quirks: Quirks) -> None:
    """Write the limit once, under the name that the model understands."""
    given = {name: body.pop(name) for name in LIMIT_NAMES if name in body}
    limit = call.max_output_tokens
    if limit is None:
        limit = next((value for value in given.values() if value is not None), None)
    if limit is None:
        return
    is_modern = bool(MODERN_FAMILY.match(call.connection.upstream_model))
    if is_modern or (quirks.names_model_in_path and is_openais_thinker(call, quirks)):
        usual = LIMIT_NAMES[0]
    else:
        usual = next(iter(given), LIMIT_NAMES[1])
    body[quirks.limit_name or usual] = limit


def _set_streaming(body: dict[str, Any], *, is_streamed: bool) -> None:
    options = body.pop("stream_options", None)
    if not is_streamed:
        body.pop("stream", None)
        return
    body["stream"] = True
    # Usage bills; the client is spared the extra chunk when it did not ask for it.
    kept = options if isinstance(options, dict) else {}
    body["stream_options"] = {**kept, "include_usage": True}


def _fit_fields(body: dict[str, Any], call: ProviderCall, spelling: Spelling) -> None:
    """Leave out what the server or the model refuses, and rename what it calls otherwise."""
    quirks = spelling.quirks
    for name in quirks.refused.intersection(body):
        if body.pop(name) is not None and name != "stream_options":
            spelling.dropped.append(name)
    for name, theirs in quirks.renamed.items():
        if name in body:
            body[theirs] = body.pop(name)
    if not UNSAMPLED_FAMILY.match(call.connection.upstream_model):
        return
    for name, usual in SAMPLING_DEFAULTS.items():
        if body.get(name, usual) not in (None, usual):
            del body[name]
            spelling.dropped.append(name)
