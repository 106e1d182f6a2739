"""One simulated provider per test, and the official clients aimed at it."""

from collections.abc import Iterator

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server

SECRET = "secret-of-the-provider-1234"
TIMEOUT_SECONDS = 10.0


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server(secret=SECRET) as server:
        yield server


@pytest.fixture
def openai_client(server: WireServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        api_key=SECRET, base_url=server.url_of("openai"), max_retries=0, timeout=TIMEOUT_SECONDS
    ) as client:
        yield client


@pytest.fixture
def anthropic_client(server: WireServer) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        api_key=SECRET, base_url=server.url_of("anthropic"), max_retries=0, timeout=TIMEOUT_SECONDS
    ) as client:
        yield client


@pytest.fixture(params=["v1", "v1beta"])
def gemini_client(server: WireServer, request: pytest.FixtureRequest) -> Iterator[genai.Client]:
    options = types.HttpOptions(
        base_url=server.url_of("gemini"),
        api_version=request.param,
        timeout=int(TIMEOUT_SECONDS * 1000),
    )
    with genai.Client(api_key=SECRET, http_options=options) as client:
        yield client
