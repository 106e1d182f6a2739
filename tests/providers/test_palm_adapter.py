"""PaLM over real sockets: P1 to P3 of the wire, and what it has no form for."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from apps.core.chat import ChatResponse
from apps.gateway.wire.openai_chat import request as openai_chat
from apps.providers.adapters import transport
from apps.providers.adapters.base import AttemptError, Connection, ProviderCall, Timeouts
from apps.providers.adapters.palm.adapter import THREADS
from apps.providers.adapters.registry import adapter_for
from apps.providers.wire_servers.scripts import SCRIPTS, TEXT, Script
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server

SECRET = "secret-of-palm-1234"
TEXT_MODEL, CHAT_MODEL = "text-bison-001", "chat-bison-001"
MODELS = pytest.mark.parametrize("model", [TEXT_MODEL, CHAT_MODEL])
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Say hello."},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Again."},
]
type Ask = Callable[..., Awaitable[ChatResponse]]


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server(secret=SECRET) as server:
        yield server


def make_call(
    server: WireServer, model: str, limit: int | None = None, **body: Any
) -> ProviderCall:
    request = openai_chat.parse({"model": "auto", "messages": TALK, **body})
    connection = Connection("palm", server.url_of("palm"), model, SECRET)
    return ProviderCall(request, connection, limit, Timeouts(total=5.0), "req_1")


@pytest.fixture
def ask(server: WireServer) -> Ask:
    def ask(model: str, **body: Any) -> Awaitable[ChatResponse]:
        return adapter_for("palm").complete(make_call(server, model, **body))

    return ask


async def failure(asked: Awaitable[ChatResponse]) -> AttemptError:
    with pytest.raises(AttemptError) as caught:
        await asked
    assert SECRET not in caught.value.message
    return caught.value


def wait_for(server: WireServer, count: int) -> None:
    """Wait until so many requests have come."""
    until = time.monotonic() + 5
    while len(server.received) < count:
        assert time.monotonic() < until
        time.sleep(0.01)


def sent(server: WireServer) -> dict[str, Any]:
    (request,) = server.received
    body: dict[str, Any] = request.body
    return body


async def test_p1__text__is_one_prompt_with_all_that_was_said(server: WireServer, ask: Ask) -> None:
    answer = await ask(TEXT_MODEL, limit=50, temperature=0.5, top_p=0.9, top_k=4, stop=["END"])
    assert (answer.text, answer.finish_reason) == (TEXT, "stop")
    body = sent(server)
    prompt = "Be brief.\n\nUser: Say hello.\n\nAssistant: Hello.\n\nUser: Again.\n\nAssistant:"
    assert body["prompt"] == {"text": prompt}
    assert (body["maxOutputTokens"], body["stopSequences"]) == (50, ["END"])
    assert (body["temperature"], body["topP"], body["topK"]) == (0.5, pytest.approx(0.9), 4)


async def test_p2__chat__has_context_and_alternating_authors(server: WireServer, ask: Ask) -> None:
    talk = [*TALK, {"role": "user", "content": "And again."}]
    answer = await ask(CHAT_MODEL, messages=talk)
    assert answer.text == TEXT
    prompt = sent(server)["prompt"]
    assert prompt["context"] == "Be brief."
    assert [message["author"] for message in prompt["messages"]] == ["0", "1", "0"]
    assert prompt["messages"][2]["content"] == "Again.\n\nAnd again."


async def test_p2__limit_and_stop_of_a_chat__cut_the_answer(server: WireServer, ask: Ask) -> None:
    server.plan(Script(text="One, two. Three, four."), Script(text="One, two. Three, four."))
    stopped = await ask(CHAT_MODEL, stop=["Three", "four"])
    assert (stopped.text, stopped.finish_reason) == ("One, two. ", "stop")
    assert stopped.stop_sequence == "Three"
    limited = await ask(CHAT_MODEL, limit=3)
    assert limited.finish_reason == "length"
    assert "One, two. Three, four.".startswith(limited.text)
    assert 0 < limited.usage.output_tokens <= 3


@MODELS
async def test_p3__stream__is_made_of_one_answer_and_its_usage_is_an_estimate(
    server: WireServer, model: str
) -> None:
    events = [event async for event in adapter_for("palm").stream(make_call(server, model))]
    assert "".join(event.text for event in events) == TEXT
    assert [event.finish_reason for event in events if event.finish_reason] == ["stop"]
    (usage,) = [event.usage for event in events if event.usage]
    assert usage.is_estimated
    assert min(usage.input_tokens, usage.output_tokens) > 0


@MODELS
@pytest.mark.parametrize(
    ("param", "body"),
    [
        ("tools", {"tools": [{"type": "function", "function": {"name": "clock"}}]}),
        ("response_format", {"response_format": {"type": "json_object"}}),
        (
            "messages",
            {"messages": [{"role": "tool", "tool_call_id": "t1", "content": "sunny"}]},
        ),
    ],
)
async def test_p3__more_than_text__is_refused_before_the_call(
    server: WireServer, ask: Ask, model: str, param: str, body: dict[str, Any]
) -> None:
    error = await failure(ask(model, **body))
    assert (error.kind, error.param) == ("not_expressible", param)
    assert server.received == []


@MODELS
async def test_p3__filtered__is_content_filter(server: WireServer, ask: Ask, model: str) -> None:
    server.plan("filtered")
    answer = await ask(model)
    assert (answer.text, answer.finish_reason) == ("", "content_filter")


@MODELS
async def test_p3__what_it_does_not_know__is_told(ask: Ask, model: str) -> None:
    answer = await ask(model, seed=7, temperature=1.7, logit_bias={"5": 1}, reasoning_effort="none")
    assert set(answer.dropped) == {"seed", "temperature", "logit_bias", "reasoning_effort"}


@MODELS
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "rejected"),
        (403, "credential"),
        (404, "credential"),
        (429, "rate_limited"),
        (500, "unavailable"),
        (503, "unavailable"),
    ],
)
async def test_status__of_the_provider__is_what_to_do_next(
    server: WireServer, ask: Ask, model: str, status: int, kind: str
) -> None:
    server.plan(Script(status=status))
    error = await failure(ask(model))
    assert (error.kind, error.http_status) == (kind, status)


async def test_e4__retry_after__is_what_the_provider_asked_for(
    server: WireServer, ask: Ask
) -> None:
    server.script = Script(status=429, headers={"retry-after": "7"})
    assert (await failure(ask(TEXT_MODEL))).retry_after_seconds == 7


async def test_wrong_key__is_ours_not_the_callers(server: WireServer) -> None:
    call = make_call(server, TEXT_MODEL)
    wrong = Connection("palm", server.url_of("palm"), TEXT_MODEL, "another-key")
    asked = ProviderCall(call.request, wrong, None, call.timeouts, "req_1")
    assert (await failure(adapter_for("palm").complete(asked))).kind == "credential"


async def test_nobody_there__is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    request = openai_chat.parse({"model": "auto", "messages": TALK})
    call = ProviderCall(request, Connection("palm", url, TEXT_MODEL), None, Timeouts(), "req_1")
    assert (await failure(adapter_for("palm").complete(call))).kind == "unavailable"


async def test_slow_provider__blocks_no_event_loop(server: WireServer) -> None:
    server.plan("hang")
    call = make_call(server, TEXT_MODEL)
    hasty = ProviderCall(call.request, call.connection, None, Timeouts(total=0.3), "req_1")
    asked = asyncio.create_task(failure(adapter_for("palm").complete(hasty)))
    beats = 0
    while not asked.done():
        await asyncio.sleep(0.01)
        beats += 1
    assert (await asked).kind in {"timeout", "unavailable"}
    assert beats > 5


class OddServer:
    """Answers every connection with the same bytes, in pieces, and counts what it could send."""

    def __init__(self, *pieces: bytes, pause: float = 0.0) -> None:
        self._pieces, self._pause = pieces, pause
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.left = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _address = self._socket.accept()
        with connection:
            connection.recv(65_536)
            try:
                for piece in self._pieces:
                    connection.sendall(piece)
                    time.sleep(self._pause)
            except OSError:
                self.left.set()

    def close(self) -> None:
        self._socket.close()


def told(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\nconnection: close\r\n\r\n" + body


async def failure_at(url: str, model: str, *, total: float = 5.0) -> AttemptError:
    request = openai_chat.parse({"model": "auto", "messages": TALK})
    connection = Connection("palm", url, model, SECRET)
    call = ProviderCall(request, connection, None, Timeouts(total=total), "req_1")
    return await failure(adapter_for("palm").complete(call))


@MODELS
@pytest.mark.parametrize(
    "answer",
    [
        told("200 OK", b"<html>"),
        told("200 OK", b""),
        told("200 OK", b"null"),
        told("200 OK", b"[1]"),
        told("200 OK", b"\xff\xfe"),
        told("200 OK", b'{"candidates": 5}'),
        told("204 No Content", b""),
        told("302 Found", b""),
        told("400 Bad Request", b'[{"error": {"message": "x"}}]'),
        told("400 Bad Request", b'{"error": "x"}'),
        told("400 Bad Request", b'"x"'),
        b"rubbish\r\n\r\n",
    ],
)
async def test_answer__that_palm_would_never_give__is_an_error_of_the_attempt(
    model: str, answer: bytes
) -> None:
    server = OddServer(answer)
    error = await failure_at(server.url, model)
    assert error.kind in {"unavailable", "credential", "rejected"}
    server.close()


@MODELS
async def test_t7__call_that_is_left__is_hung_up_on_within_a_second_and_frees_its_thread(
    server: WireServer, model: str
) -> None:
    for _ in range(THREADS + 1):
        server.forget()
        server.plan("hang")
        asked = asyncio.create_task(adapter_for("palm").complete(make_call(server, model)))
        await asyncio.to_thread(wait_for, server, 1)
        asked.cancel()
        assert await asyncio.to_thread(server.was_abandoned.wait, 1)
    answer = await adapter_for("palm").complete(make_call(server, model))
    assert answer.text == TEXT


async def test_call__that_is_left_while_it_waits_for_a_thread__is_never_sent(
    server: WireServer,
) -> None:
    server.script = SCRIPTS["hang"]
    call = make_call(server, TEXT_MODEL)
    asked = [asyncio.create_task(adapter_for("palm").complete(call)) for _ in range(THREADS + 1)]
    await asyncio.to_thread(wait_for, server, THREADS)
    for task in reversed(asked):
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    server.script = Script()
    assert (await adapter_for("palm").complete(call)).text == TEXT
    assert len(server.received) == THREADS + 1


async def test_answer__that_never_ends__is_hung_up_on_when_its_time_is_over() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\r\n"
    server = OddServer(head, *([b" " * 1_000] * 1_000), pause=0.01)
    error = await failure_at(server.url, TEXT_MODEL, total=0.5)
    assert error.kind in {"timeout", "unavailable"}
    assert await asyncio.to_thread(server.left.wait, 1)
    server.close()


async def test_answer__larger_than_any_honest_one__is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 10_000)
    server = OddServer(told("200 OK", b" " * 50_000 + b"{}"))
    assert (await failure_at(server.url, TEXT_MODEL)).kind == "unavailable"
    server.close()
