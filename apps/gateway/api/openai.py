"""The OpenAI-compatible door under /v1/: parse, call the pipeline, render."""

import re
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI

from apps.core.errors import ModelNotFound, RouterError
from apps.core.money import format_usd
from apps.gateway import pipeline, streaming
from apps.gateway.api.errors import defect, openai_error_of
from apps.gateway.api.openai_stream import ChatChunks
from apps.gateway.authentication import caller_of, headers_of, tags_of
from apps.gateway.event_stream import EventStreamResponse
from apps.gateway.types import Ask, Run
from apps.gateway.wire import openai_answers, openai_chat
from apps.gateway.wire.fields import read_object
from apps.routing.engine.request_router import usable_models
from apps.routing.snapshot_store import snapshot_store

DOOR = "openai.chat"
NAME = re.compile(r"[a-zA-Z0-9_.]{1,60}")
MOST_NAMES = 20

api = NinjaAPI(title="LLM Router, OpenAI-compatible", version="1", docs_url=None, openapi_url=None)
api.exception_handler(RouterError)(openai_error_of)
api.exception_handler(Exception)(defect)


@api.post("/chat/completions")
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    """Answer a chat, whole or streamed."""
    caller = await caller_of(request)
    body = read_object(request.body)
    chat = openai_chat.parse(body)
    tags = tags_of(request, openai_chat.tags_of(body))
    ask = Ask(caller, chat, DOOR, tags, headers_of(request))
    if chat.stream:
        stream = await streaming.stream(ask)
        source = ChatChunks(stream, includes_usage=openai_chat.includes_usage(body))
        return with_run_headers(EventStreamResponse(source), stream.run)
    done = await pipeline.complete(ask)
    run = done.run
    answer = openai_answers.render(
        done.response, answer_id=answer_id(run), model=run.model, created=run.started_ms // 1000
    )
    response = HttpResponse(orjson.dumps(answer), "application/json")
    response["x-router-cost"] = format_usd(run.cost)
    return with_run_headers(response, run)


@api.get("/models")
async def models(request: HttpRequest) -> HttpResponse:
    """List what the key may ask for."""
    return _json({"object": "list", "data": await _models(request)})


@api.get("/models/{path:name}")
async def model(request: HttpRequest, name: str) -> HttpResponse:
    """Describe one of them."""
    for record in await _models(request):
        if record["id"] == name:
            return _json(record)
    raise ModelNotFound(f"there is no model {name!r} for this API key", param="model")


async def _models(request: HttpRequest) -> list[dict[str, Any]]:
    caller = await caller_of(request)
    snapshot = (await snapshot_store().pin(caller.tenant_id)).snapshot
    names = usable_models(caller.allowed_models, snapshot)
    owners = {name: snapshot.models[name].provider for name in names if name in snapshot.models}
    return [
        {"id": name, "object": "model", "created": 0, "owned_by": owners.get(name, "router")}
        for name in names
    ]


def answer_id(run: Run) -> str:
    return f"chatcmpl-{run.ask.request_id.hex}"


def with_run_headers[R: HttpResponseBase](response: R, run: Run) -> R:
    """Say in the headers what happened to the request."""
    response["x-request-id"] = run.request_id
    response["x-router-decision-id"] = run.decision_id
    response["x-router-cache"] = run.cache
    response["x-router-model"] = run.model
    if run.dropped:
        response["x-router-dropped"] = _names(run.dropped)
    return response


def _names(fields: tuple[str, ...]) -> str:
    """Return names of the caller's own choice as a header can hold them."""
    shown = dict.fromkeys(name if NAME.fullmatch(name) else "other" for name in fields)
    return ", ".join(list(shown)[:MOST_NAMES])


def _json(value: Any) -> HttpResponse:
    return HttpResponse(orjson.dumps(value), "application/json")
