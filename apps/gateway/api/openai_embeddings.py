"""`POST /v1/embeddings`: OpenAI's embeddings."""

from functools import partial

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from apps.gateway.api.answering import answer, ask_of
from apps.gateway.authentication import caller_of
from apps.gateway.wire.fields import read_object
from apps.gateway.wire.openai_embeddings import request as embeddings_request
from apps.gateway.wire.openai_embeddings.answers import render

router = Router()


@router.post("/embeddings")
async def embeddings(request: HttpRequest) -> HttpResponseBase:
    """Return vectors of the inputs."""
    caller = await caller_of(request)
    body = read_object(request.body)
    ask = ask_of(request, caller, embeddings_request.parse(body))
    whole = partial(render, encoding=embeddings_request.encoding_of(body))
    return await answer(ask, whole=whole)
