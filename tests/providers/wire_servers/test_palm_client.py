"""The generative-language client as judge of the simulated PaLM, which Google has retired."""

from typing import Any

import pytest
from google.ai import generativelanguage_v1beta as v1beta
from google.ai import generativelanguage_v1beta2 as v1beta2
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials

from apps.providers.wire_servers.scripts import TEXT, Script
from apps.providers.wire_servers.server import WireServer
from tests.providers.wire_servers.conftest import SECRET

KEY = [("x-goog-api-key", SECRET)]


def client_of(kind: Any, server: WireServer) -> Any:
    transport = kind.get_transport_class("rest")
    host = f"127.0.0.1:{server.port}"
    credentials = AnonymousCredentials()
    return kind(transport=transport(host=host, url_scheme="http", credentials=credentials))


@pytest.fixture(params=[v1beta, v1beta2], ids=["v1beta", "v1beta2"])
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


def ask(version: Any, server: WireServer, **options: Any) -> Any:
    client = client_of(version.TextServiceClient, server)
    request = {"model": "models/text-bison-001", "prompt": {"text": "hi"}, **options}
    return client.generate_text(request=request, metadata=KEY, retry=None)


def test_text__healthy__gives_candidates(server: WireServer, version: Any) -> None:
    answer = ask(version, server, candidate_count=2, temperature=0.5)
    assert [candidate.output for candidate in answer.candidates] == [TEXT, TEXT]


def test_text__filtered__has_filters_and_no_candidates(server: WireServer, version: Any) -> None:
    server.plan("filtered")
    answer = ask(version, server)
    assert (len(answer.candidates), len(answer.filters), len(answer.safety_feedback)) == (0, 1, 1)


def test_message__of_alternating_authors__is_answered(server: WireServer, version: Any) -> None:
    client = client_of(version.DiscussServiceClient, server)

    def discuss(*authors: str) -> Any:
        messages = [{"author": author, "content": "hi"} for author in authors]
        request = {"model": "models/chat-bison-001", "prompt": {"messages": messages}}
        return client.generate_message(request=request, metadata=KEY, retry=None)

    answer = discuss("0", "1", "0")
    assert answer.candidates[0].content == TEXT
    assert len(answer.messages) == 3
    with pytest.raises(exceptions.BadRequest, match="authors must alternate"):
        discuss("0", "0")


def test_counts_and_embeddings__by_the_client__work(server: WireServer, version: Any) -> None:
    prompt = {"messages": [{"author": "0", "content": "hi"}]}
    request = {"model": "models/chat-bison-001", "prompt": prompt}
    chat = client_of(version.DiscussServiceClient, server)
    assert chat.count_message_tokens(request=request, metadata=KEY).token_count > 0
    text = client_of(version.TextServiceClient, server)
    embedded = text.embed_text(
        request={"model": "models/embedding-gecko-001", "text": "hi"}, metadata=KEY
    )
    assert len(embedded.embedding.value) == 768


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, exceptions.BadRequest),
        (403, exceptions.Forbidden),
        (404, exceptions.NotFound),
        (429, exceptions.TooManyRequests),
        (500, exceptions.InternalServerError),
        (503, exceptions.ServiceUnavailable),
    ],
)
def test_text__status__is_the_clients_exception(
    server: WireServer, version: Any, status: int, expected: type[Exception]
) -> None:
    server.plan(Script(status=status))
    with pytest.raises(expected):
        ask(version, server)


def test_text__what_palm_does_not_know__is_refused(server: WireServer, version: Any) -> None:
    with pytest.raises(exceptions.BadRequest, match="must be in the range"):
        ask(version, server, temperature=1.7)
    with pytest.raises(exceptions.BadRequest, match="must not be empty"):
        ask(version, server, prompt={"text": ""})
