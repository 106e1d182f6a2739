"""Anthropic through its own SDK: the reference that the adapter's fast path is held against.

The SDK sends, receives, and says what went wrong; what is built and read is the adapter's own.
"""

from collections.abc import AsyncIterator
from inspect import signature
from typing import Any, override

import anthropic
import httpx2
from anthropic.resources.messages import AsyncMessages

from apps.core.chat import ChatResponse, StreamEvent
from apps.providers.adapters.anthropic.errors import error_from_answer, error_in_stream
from apps.providers.adapters.anthropic.requests import (
    FORWARDED_HEADERS,
    SAMPLING,
    Outgoing,
    build_request,
)
from apps.providers.adapters.anthropic.responses import read_message
from apps.providers.adapters.anthropic.streaming import EventReader
from apps.providers.adapters.base import AttemptError, ProviderAdapter, ProviderCall
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.sdk import AnswerTooLarge, shared_client, watch

TYPED = frozenset(signature(AsyncMessages.create).parameters)


class AnthropicReference(ProviderAdapter):
    """The SDK's own way of doing what the adapter does."""

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        pace = Pace(call.timeouts, is_streamed=False)
        outgoing = build_request(call, is_streamed=False)
        message = await _create(call, outgoing, pace)
        if not isinstance(message, anthropic.types.Message):
            raise pace.failed("the provider's answer cannot be read")
        return read_message(
            message.to_dict(),
            call,
            answer_tool=outgoing.answer_tool,
            names=outgoing.names,
            dropped=outgoing.dropped,
        )

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        pace = Pace(call.timeouts, is_streamed=True)
        outgoing = build_request(call, is_streamed=True)
        events = await _create(call, outgoing, pace)
        reader = EventReader(call, answer_tool=outgoing.answer_tool, names=outgoing.names)
        try:
            while (raw := await _next(aiter(events), call, pace)) is not None:
                for event in reader.read_event(raw.to_dict()):
                    pace.has_begun = True
                    yield event
            reader.end()
        finally:
            await events.close()


async def _next(events: Any, call: ProviderCall, pace: Pace) -> Any:
    try:
        return await watch(pace, anext(events, None))
    except anthropic.APIError as error:
        raise _error_of(error, call, pace) from error


async def _create(call: ProviderCall, outgoing: Outgoing, pace: Pace) -> Any:
    try:
        return await _send(call, outgoing, pace)
    except anthropic.BadRequestError as error:
        if not any(name in str(error.body) for name in SAMPLING) or not outgoing.drop_sampling():
            raise _error_of(error, call, pace) from error
    except anthropic.APIError as error:
        raise _error_of(error, call, pace) from error
    try:
        return await _send(call, outgoing, pace)
    except anthropic.APIError as error:
        raise _error_of(error, call, pace) from error


async def _send(call: ProviderCall, outgoing: Outgoing, pace: Pace) -> Any:
    client = anthropic.AsyncAnthropic(
        api_key=call.connection.secret,
        base_url=call.connection.base_url,
        max_retries=0,
        http_client=shared_client(),
    )
    typed = {name: value for name, value in outgoing.body.items() if name in TYPED}
    others = {name: value for name, value in outgoing.body.items() if name not in TYPED}
    given = call.request.headers
    headers = {name: given[name] for name in FORWARDED_HEADERS if name in given}
    asked = client.messages.create(
        **typed,
        extra_body=others,
        extra_headers=headers,
        timeout=httpx2.Timeout(call.timeouts.total, connect=call.timeouts.connect),
    )
    return await watch(pace, asked)


def _error_of(error: anthropic.APIError, call: ProviderCall, pace: Pace) -> AttemptError:
    secret = call.connection.secret
    if isinstance(error, anthropic.APIStatusError) and error.status_code >= 300:
        answer = error.response
        return error_from_answer(
            error.status_code, answer.content, headers=answer.headers, secret=secret
        )
    if isinstance(error, anthropic.APIStatusError):
        return error_in_stream(error.body, secret=secret, has_begun=pace.has_begun)
    if isinstance(error.__cause__, AnswerTooLarge):
        return pace.failed(str(error.__cause__))
    return pace.failed("the provider cannot be reached, or its answer cannot be read")
