"""`POST /v1/chat/completions`: OpenAI's chat dialect."""

from functools import partial

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from apps.gateway.api.answering import answer, ask_of
from apps.gateway.authentication import caller_of
from apps.gateway.wire.fields import read_object
from apps.gateway.wire.openai_chat import request as chat_request
from apps.gateway.wire.openai_chat.answers import render
from apps.gateway.wire.openai_chat.stream import ChatChunks
from apps.gateway.wire.openai_fields import tags_of

router = Router()


@router.post("/chat/completions")
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    """Answer a chat, whole or streamed."""
    caller = await caller_of(request)
    body = read_object(request.body)
    chat = chat_request.parse(body)
    ask = ask_of(request, caller, chat, tags=tags_of(body))
    includes_usage = chat_request.includes_usage(body)
    return await answer(
        ask, whole=render, streamed=partial(ChatChunks, includes_usage=includes_usage)
    )
