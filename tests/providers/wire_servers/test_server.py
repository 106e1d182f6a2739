"""How the simulated provider is told what to say, and what it notes of those who ask."""

import json
import select
import time
from contextlib import suppress
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from apps.providers.wire_servers.scripts import SCRIPTS, TEXT, THOUGHT, Script, pieces_of
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.providers.wire_servers.conftest import SECRET

HELLO: Any = [{"role": "user", "content": "Say hello."}]


def ask(client: openai.OpenAI, model: str = "gpt-4.1-mini", **headers: str) -> str | None:
    answer = client.chat.completions.create(model=model, messages=HELLO, extra_headers=headers)
    return answer.choices[0].message.content


def test_scripts__planned__are_said_once_and_in_their_order(
    openai_client: openai.OpenAI, server: WireServer
) -> None:
    server.script = Script(text="always")
    server.plan("429", Script(text="once"))
    with pytest.raises(openai.RateLimitError):
        ask(openai_client)
    assert [ask(openai_client) for _ in range(3)] == ["once", "always", "always"]


def test_scripts__chosen_by_the_request__win(
    openai_client: openai.OpenAI, server: WireServer
) -> None:
    server.script = Script(text="always")
    assert ask(openai_client, "script:thinking") == TEXT
    assert ask(openai_client, **{"x-script": "text"}) == TEXT
    with pytest.raises(openai.NotFoundError, match="There is no script unknown; there are text"):
        ask(openai_client, "script:unknown")


def test_requests__of_every_kind__are_noted_as_they_came(
    openai_client: openai.OpenAI, server: WireServer
) -> None:
    ask(openai_client, **{"x-canary": "42"})
    (received,) = server.received
    assert (received.path, received.refusal) == ("/v1/chat/completions", "")
    assert received.headers["x-canary"] == "42"
    assert "\r\nx-canary: 42\r\n" in received.request.head.lower()
    assert received.body == {"model": "gpt-4.1-mini", "messages": HELLO}


def test_connections__of_one_client__are_used_again(
    openai_client: openai.OpenAI, server: WireServer
) -> None:
    for _ in range(20):
        ask(openai_client)
    assert len(server.connections) == 1


def test_streams__reader_leaves__is_noticed(
    openai_client: openai.OpenAI, server: WireServer
) -> None:
    stream = openai_client.chat.completions.create(
        model="script:paced",
        messages=HELLO,
        stream=True,
    )
    next(iter(stream))
    assert not server.was_abandoned.is_set()
    stream.close()
    assert server.was_abandoned.wait(1)


def test_whole_answers__client_gives_up__is_noticed(
    openai_client: openai.OpenAI, server: WireServer
) -> None:
    with pytest.raises(openai.APITimeoutError):
        ask(openai_client.with_options(timeout=0.2), "script:hang")
    assert server.was_abandoned.wait(1)


def test_streams__reader_leaves_with_bytes_unread__is_noticed(server: WireServer) -> None:
    body = json.dumps({"model": "gpt-4.1-mini", "messages": HELLO, "stream": True})
    headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/json"}
    for _ in range(10):
        server.forget()
        server.plan("stall")
        client = HTTPConnection("127.0.0.1", server.port)
        client.request("POST", "/v1/chat/completions", body, headers)
        # The head of the answer has come, and nobody takes it: closing resets the connection.
        select.select([client.sock], [], [], 1)
        client.close()
        assert server.was_abandoned.wait(1)


def test_answers__taken_whole__are_never_called_abandoned(
    openai_client: openai.OpenAI, server: WireServer
) -> None:
    for is_streamed in (False, True) * 20:
        with openai_client.copy(max_retries=0, http_client=openai.DefaultHttpxClient()) as client:
            answer: Any = client.chat.completions.create(
                model="gpt-4.1-mini", messages=HELLO, stream=is_streamed
            )
            assert list(answer)
    assert not server.was_abandoned.is_set()


def test_streams__paced__arrive_in_pace(openai_client: openai.OpenAI) -> None:
    stream = openai_client.chat.completions.create(
        model="script:paced",
        messages=HELLO,
        stream=True,
    )
    moments = [time.monotonic() for _chunk in stream]
    assert moments[-1] - moments[0] > 0.2


def test_server__ends_at_once__though_a_request_hangs() -> None:
    with running_wire_server(script=Script(hangs=True)) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
        headers = {"authorization": f"Bearer {SECRET}"}
        connection.request("POST", "/v1/embeddings", b'{"model": "m", "input": "hi"}', headers)
        while not server.received:
            time.sleep(0.01)
        began = time.monotonic()
    connection.close()
    assert time.monotonic() - began < 1


async def test_server__asked_by_an_asynchronous_client__answers(server: WireServer) -> None:
    async with anthropic.AsyncAnthropic(
        api_key=SECRET, base_url=server.url_of("anthropic"), max_retries=0
    ) as client:
        answer = await client.messages.create(
            model="claude-x",
            max_tokens=10,
            messages=HELLO,
        )
    assert answer.content[0].type == "text"


@pytest.mark.parametrize("text", [TEXT, THOUGHT, "", "a", " a  b "])
def test_pieces__of_any_text__are_the_text(text: str) -> None:
    assert "".join(pieces_of(text)) == text


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_names__of_all_scripts__can_be_part_of_a_model_name(name: str) -> None:
    assert name.replace("_", "").isalnum()
    assert name == name.lower()


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("ending", ["cut", "stops_early"])
def test_body__cut_at_a_byte__leaves_so_far_and_is_noted(
    openai_client: openai.OpenAI, server: WireServer, ending: str, is_streamed: bool
) -> None:
    asked: dict[str, Any] = {"model": "gpt-4.1-mini", "messages": HELLO, "stream": is_streamed}
    for count in (0, 1, 200):
        server.script = replace(SCRIPTS[ending], cut_at=count)
        with suppress(openai.APIError, ValueError, httpx2.HTTPError):
            list(openai_client.chat.completions.create(**asked))
        assert len(server.said[-1]) == count
