"""`POST /v1beta/models/NAME:generateContent` and its kin, also under /v1: Gemini's dialect."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from apps.gateway.api.answering import answer, ask_of, json_response, with_run_headers
from apps.gateway.api.dialects import wants_array
from apps.gateway.authentication import caller_of
from apps.gateway.counting import count
from apps.gateway.wire.fields import read_object
from apps.gateway.wire.gemini import request as gemini_request
from apps.gateway.wire.gemini.answers import render
from apps.gateway.wire.gemini.counting import parse_count, render_count
from apps.gateway.wire.gemini.embeddings import parse_batch, parse_one, render_batch, render_one
from apps.gateway.wire.gemini.stream import GeminiChunks

router = Router()


@router.post("/{path:resource}:generateContent")
async def generate_content(request: HttpRequest, resource: str) -> HttpResponseBase:
    """Answer a chat whole; `resource` is `models/NAME`, or another folder's."""
    return await _generate(request, resource, is_streamed=False)


@router.post("/{path:resource}:streamGenerateContent")
async def stream_generate_content(request: HttpRequest, resource: str) -> HttpResponseBase:
    """Answer a chat in chunks: events with `alt=sse`, else one array."""
    return await _generate(request, resource, is_streamed=True)


@router.post("/{path:resource}:countTokens")
async def count_tokens(request: HttpRequest, resource: str) -> HttpResponse:
    """Estimate the tokens of a chat; nothing is asked of a provider."""
    caller = await caller_of(request)
    chat = parse_count(read_object(request.body), model=resource)
    run = await count(ask_of(request, caller, chat))
    return with_run_headers(json_response(render_count(run.known_facts().prompt_tokens)), run)


@router.post("/{path:resource}:embedContent")
async def embed_content(request: HttpRequest, resource: str) -> HttpResponseBase:
    """Return the vector of one text."""
    caller = await caller_of(request)
    ask = ask_of(request, caller, parse_one(read_object(request.body), model=resource))
    return await answer(ask, whole=render_one)


@router.post("/{path:resource}:batchEmbedContents")
async def batch_embed_contents(request: HttpRequest, resource: str) -> HttpResponseBase:
    """Return the vectors of several texts."""
    caller = await caller_of(request)
    ask = ask_of(request, caller, parse_batch(read_object(request.body), model=resource))
    return await answer(ask, whole=render_batch)


async def _generate(request: HttpRequest, resource: str, *, is_streamed: bool) -> HttpResponseBase:
    caller = await caller_of(request)
    body = read_object(request.body)
    chat = gemini_request.parse(body, model=resource, is_streamed=is_streamed)
    streamed = partial(GeminiChunks, is_array=wants_array(request))
    return await answer(ask_of(request, caller, chat), whole=render, streamed=streamed)
