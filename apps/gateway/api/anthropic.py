"""`POST /v1/messages` and `/v1/messages/count_tokens`: Anthropic's dialect."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from apps.gateway.api.answering import answer, ask_of, json_response, with_run_headers
from apps.gateway.authentication import caller_of
from apps.gateway.counting import count
from apps.gateway.wire.anthropic import request as message_request
from apps.gateway.wire.anthropic.answers import render
from apps.gateway.wire.anthropic.stream import MessageEvents
from apps.gateway.wire.fields import read_object

# How a body is to be read, and what is turned on: said to Anthropic, and to nobody else.
FORWARDED = ("anthropic-version", "anthropic-beta")

router = Router()


@router.post("/messages")
async def messages(request: HttpRequest) -> HttpResponseBase:
    """Answer a conversation, whole or streamed."""
    caller = await caller_of(request)
    body = read_object(request.body)
    forwarded = {name: request.headers[name] for name in FORWARDED if name in request.headers}
    chat = message_request.parse(body, forwarded)
    shows_thoughts = message_request.shows_thoughts(body)
    taken_ids = message_request.taken_ids(body)
    return await answer(
        ask_of(request, caller, chat),
        whole=partial(render, shows_thoughts=shows_thoughts, taken_ids=taken_ids),
        streamed=partial(MessageEvents, shows_thoughts=shows_thoughts, taken_ids=taken_ids),
    )


@router.post("/messages/count_tokens")
async def count_tokens(request: HttpRequest) -> HttpResponse:
    """Estimate the tokens of a request for any model that it may name; no provider is asked."""
    caller = await caller_of(request)
    chat = message_request.parse_count(read_object(request.body))
    run = await count(ask_of(request, caller, chat))
    return with_run_headers(json_response({"input_tokens": run.known_facts().prompt_tokens}), run)
