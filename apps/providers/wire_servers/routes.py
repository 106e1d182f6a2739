"""Which address is whose: the paths of every vendor, as their official clients call them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from apps.providers.wire_servers import models
from apps.providers.wire_servers.anthropic import checks as anthropic_checks
from apps.providers.wire_servers.anthropic import messages
from apps.providers.wire_servers.anthropic.vendor import ANTHROPIC
from apps.providers.wire_servers.exchange import Endpoint, Refusal, Request, Vendor
from apps.providers.wire_servers.gemini import checks as gemini_checks
from apps.providers.wire_servers.gemini import counting, generate
from apps.providers.wire_servers.gemini.vendor import GEMINI
from apps.providers.wire_servers.openai import (
    chat,
    chat_checks,
    embeddings,
    response_checks,
    response_events,
    responses,
)
from apps.providers.wire_servers.openai.vendor import OPENAI
from apps.providers.wire_servers.palm import checks as palm_checks
from apps.providers.wire_servers.palm import generate as palm

CHAT: Final = Endpoint(
    OPENAI,
    chat_checks.check_chat,
    chat.answer,
    chat.events,
    is_streamed=chat.is_streamed,
    answers_tools=chat.answers_tools,
)
RESPONSES: Final = Endpoint(
    OPENAI,
    response_checks.check_response,
    responses.answer,
    response_events.events,
    is_streamed=chat.is_streamed,
    answers_tools=responses.answers_tools,
    error_event=response_events.error_event,
)
MESSAGES: Final = Endpoint(
    ANTHROPIC,
    anthropic_checks.check_create,
    messages.answer,
    messages.events,
    is_streamed=chat.is_streamed,
    answers_tools=messages.answers_tools,
)
GENERATE: Final = Endpoint(
    GEMINI,
    gemini_checks.check_generate,
    generate.answer,
    generate.events,
    is_streamed=generate.is_streamed,
    framing=generate.framing_of,
    answers_tools=generate.answers_tools,
)
# By method and path, without what the model's name adds to it.
ROUTES: Mapping[tuple[str, str], Endpoint] = {
    ("POST", "chat/completions"): CHAT,
    ("POST", "responses"): RESPONSES,
    ("POST", "embeddings"): Endpoint(OPENAI, embeddings.check_embeddings, embeddings.answer),
    ("POST", "messages"): MESSAGES,
    ("POST", "messages/count_tokens"): Endpoint(
        ANTHROPIC, anthropic_checks.check_count, messages.count_tokens
    ),
}
# By what follows the colon of `models/{model}:generateContent`.
ACTIONS: Mapping[str, Endpoint] = {
    "generateContent": GENERATE,
    "streamGenerateContent": GENERATE,
    "countTokens": Endpoint(GEMINI, gemini_checks.check_count, counting.count_tokens),
    "embedContent": Endpoint(GEMINI, gemini_checks.check_embed, counting.embed),
    "batchEmbedContents": Endpoint(GEMINI, gemini_checks.check_batch, counting.embed_batch),
    "generateText": Endpoint(GEMINI, palm_checks.check_text, palm.generate_text),
    "generateMessage": Endpoint(GEMINI, palm_checks.check_message, palm.generate_message),
    "countMessageTokens": Endpoint(GEMINI, palm_checks.check_count, palm.count_message_tokens),
    "embedText": Endpoint(GEMINI, palm_checks.check_embed, palm.embed_text),
}
LISTS: Mapping[str, tuple[Endpoint, Endpoint]] = {
    "openai": (
        Endpoint(OPENAI, models.accept, models.openai_list),
        Endpoint(OPENAI, models.check_openai, models.openai_one),
    ),
    "anthropic": (
        Endpoint(ANTHROPIC, models.accept, models.anthropic_list),
        Endpoint(ANTHROPIC, models.check_anthropic, models.anthropic_one),
    ),
    "gemini": (
        Endpoint(GEMINI, models.accept, models.gemini_list),
        Endpoint(GEMINI, models.check_gemini, models.gemini_one),
    ),
}
STORED: Mapping[str, Endpoint] = {
    "GET": Endpoint(OPENAI, responses.check_stored, responses.retrieve),
    "DELETE": Endpoint(OPENAI, responses.check_stored, responses.delete),
}
VERSION = re.compile(r"/(?:openai/)?(v1|v1beta|v1beta2|v1beta3)/(.+)")
AZURE = re.compile(r"/openai/deployments/([^/]+)/(chat/completions|embeddings)")
ACTION = re.compile(r"(?:models|tunedModels)/(.+):(\w+)")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes; `model` is the model, or the id of what is stored."""

    endpoint: Endpoint
    model: str


def vendor_of(request: Request) -> Vendor:
    """Tell the vendor by path and headers, as all of them share `/v1/models`."""
    headers = request.headers
    if "anthropic-version" in headers or "x-api-key" in headers or "/messages" in request.path:
        return ANTHROPIC
    is_google = "x-goog-api-key" in headers or "key" in request.query
    if is_google or "/v1beta" in request.path or _action_of(request.path):
        return GEMINI
    return OPENAI


def find_route(request: Request) -> Route:
    """Return where a request goes; raises Refusal where nothing is."""
    if azure := AZURE.fullmatch(request.path):
        return _named(request, azure[2], azure[1])
    version = VERSION.fullmatch(request.path)
    rest = version[2] if version else ""
    if (action := ACTION.fullmatch(rest)) and request.method == "POST":
        return Route(_known(ACTIONS.get(action[2]), request), action[1])
    if rest == "models" or rest.startswith("models/"):
        one_or_all = LISTS[vendor_of(request).name]
        name = rest.removeprefix("models").removeprefix("/")
        return Route(one_or_all[1 if name else 0], name)
    if rest.startswith("responses/"):
        stored = _known(STORED.get(request.method), request)
        return Route(stored, rest.removeprefix("responses/"))
    return _named(request, rest, str(request.body.get("model", "")))


def _named(request: Request, name: str, model: str) -> Route:
    return Route(_known(ROUTES.get((request.method, name)), request), model)


def _known(endpoint: Endpoint | None, request: Request) -> Endpoint:
    if endpoint is None:
        message = f"Invalid URL ({request.method} {request.path})"
        raise Refusal(404, message, code="unknown_url")
    return endpoint


def _action_of(path: str) -> bool:
    version = VERSION.fullmatch(path)
    return bool(version and ACTION.fullmatch(version[2]))
