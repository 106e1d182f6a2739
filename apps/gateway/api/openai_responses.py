"""`/v1/responses`: OpenAI's Responses dialect, with the state behind `previous_response_id`."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from apps.conversations import stored_responses
from apps.core.errors import InvalidRequest
from apps.gateway import kept_response
from apps.gateway.api.answering import answer, ask_of, json_response
from apps.gateway.authentication import caller_of
from apps.gateway.wire.fields import read_object
from apps.gateway.wire.openai_fields import tags_of

router = Router()


@router.post("/responses")
async def create_response(request: HttpRequest) -> HttpResponseBase:
    """Answer, whole or streamed, and keep the answer unless told otherwise."""
    caller = await caller_of(request)
    body = read_object(request.body)
    kept = await kept_response.begun(caller, body)
    ask = ask_of(request, caller, kept.chat, tags=tags_of(body))
    return await answer(ask, whole=kept.whole, streamed=kept.streamed, keep=kept.keep)


@router.get("/responses/{response_id}")
async def read_response(request: HttpRequest, response_id: str) -> HttpResponse:
    """Return a stored response as it was answered."""
    caller = await caller_of(request)
    if request.GET.get("stream") == "true":
        raise InvalidRequest("a stored response is read whole: leave stream out", param="stream")
    return json_response(await stored_responses.read_body(caller, response_id))


@router.delete("/responses/{response_id}")
async def delete_response(request: HttpRequest, response_id: str) -> HttpResponse:
    """Delete a stored response."""
    caller = await caller_of(request)
    await stored_responses.delete(caller, response_id)
    return json_response({"id": response_id, "object": "response", "deleted": True})
