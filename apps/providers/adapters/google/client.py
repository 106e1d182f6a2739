"""The official client of Gemini: one for each key and event loop, on the shared HTTP client."""

import ssl

from google import genai
from google.genai import types

from apps.providers.adapters.base import Connection
from apps.providers.adapters.per_loop import PerLoop
from apps.providers.adapters.registry import address_of
from apps.providers.adapters.sdk import KEYLESS, shared_client

API_VERSION = "v1beta"
KEPT_CLIENTS = 128
# For the connections of the SDK's own that are never opened: left to itself, each client would read
# all certificates of the system twice, a tenth of a second in which no request moves.
TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

_clients: PerLoop[genai.Client] = PerLoop(size=KEPT_CLIENTS)


def client_for(connection: Connection) -> genai.Client:
    """Return this event loop's client of a provider and its key."""
    base_url = address_of(connection)
    return _clients.get(
        (base_url, connection.secret), lambda: _build_client(base_url, connection.secret)
    )


def _build_client(base_url: str, secret: str) -> genai.Client:
    # `vertexai` is said aloud, because the SDK would otherwise ask the environment.
    return genai.Client(
        api_key=secret or KEYLESS,
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=base_url,
            api_version=API_VERSION,
            httpx_async_client=shared_client(),
            client_args={"verify": TRUSTS_NOBODY},
            async_client_args={"ssl": TRUSTS_NOBODY},
            retry_options=types.HttpRetryOptions(attempts=1),
        ),
    )
