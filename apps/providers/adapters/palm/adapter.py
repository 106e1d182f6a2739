"""PaLM's text and chat, which Google has retired, through the generative-language client.

The client is synchronous: it runs in threads of its own, and sends through the event loop that
waits for it. A stream is made of one answer.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import lru_cache, partial
from typing import Any, override
from urllib.parse import urlsplit

from google.ai import generativelanguage_v1beta3 as palm
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.protobuf.json_format import ParseError
from requests import RequestException

from apps.core.chat import ChatResponse, StreamEvent
from apps.providers.adapters.base import AttemptError, ProviderAdapter, ProviderCall
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.palm.bridge import Bridge, BridgedTransport
from apps.providers.adapters.palm.errors import error_of, transport_error_of
from apps.providers.adapters.palm.requests import Outgoing, build_request
from apps.providers.adapters.palm.responses import read_answer
from apps.providers.adapters.registry import address_of
from apps.providers.adapters.sdk import KEYLESS

KEPT_CLIENTS = 16
# More calls than these wait for each other; nobody should send much to a retired service.
THREADS = 16

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="palm")


class PalmAdapter(ProviderAdapter):
    """The client never retries here: failing over is the router's decision."""

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        outgoing = build_request(call)
        pace = Pace(call.timeouts, is_streamed=False)
        with Bridge(pace, connect_seconds=call.timeouts.connect):
            send = partial(copy_context().run, _send, call, outgoing)
            running = asyncio.get_running_loop().run_in_executor(_threads, send)
            return read_answer(await pace.wait(running), call, outgoing)

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        answer = await self.complete(call)
        yield StreamEvent(answer.text, dropped=answer.dropped)
        yield StreamEvent(
            finish_reason=answer.finish_reason,
            usage=answer.usage,
            stop_sequence=answer.stop_sequence,
        )


def _send(call: ProviderCall, outgoing: Outgoing) -> Any:
    """Call the service, in a thread; raises AttemptError."""
    connection = call.connection
    options = {
        "request": outgoing.body,
        "metadata": [("x-goog-api-key", connection.secret or KEYLESS)],
        "timeout": call.timeouts.total,
        "retry": None,
    }
    address = address_of(connection)
    try:
        if outgoing.is_chat:
            return _client(palm.DiscussServiceClient, address).generate_message(**options)
        return _client(palm.TextServiceClient, address).generate_text(**options)
    except GoogleAPICallError as error:
        raise error_of(error, secret=connection.secret) from error
    except RequestException as error:
        raise transport_error_of(error) from error
    except (ParseError, ValueError, TypeError, AttributeError) as error:
        # The client stumbles over whatever is not shaped like the provider's answers and errors.
        raise AttemptError("unavailable", "the provider's answer cannot be read") from error


@lru_cache(maxsize=KEPT_CLIENTS)
def _client(kind: Any, base_url: str) -> Any:
    """Return a client without credentials of its own: keys travel with each call."""
    parts = urlsplit(base_url)
    transport = kind.get_transport_class("rest")(
        host=parts.netloc, url_scheme=parts.scheme, credentials=AnonymousCredentials()
    )
    session = transport._session
    session.max_redirects, session.trust_env = 0, False
    session.mount(f"{parts.scheme}://", BridgedTransport())
    return kind(transport=transport)
