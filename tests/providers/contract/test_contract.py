"""One suite for every adapter, over real sockets: answers, streams, and all that goes wrong."""

import asyncio
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from apps.providers.adapters import sdk, transport
from apps.providers.adapters.base import AttemptError, ProviderAdapter
from apps.providers.adapters.sdk import KEYLESS
from tests.providers.contract.conftest import SECRET, MakeCall, collect
from tests.providers.upstream import Upstream
from tests.providers.wires import CACHED, FRESH, OUTPUT, TEXT, Script

CREDENTIAL_HEADERS = frozenset({"authorization", "x-api-key", "x-goog-api-key", "api-key"})
# Where the SDKs look for a key that they were not given.
ENVIRONMENT_KEYS = (
    *("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    *("GEMINI_API_KEY", "GOOGLE_API_KEY"),
)
MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])


async def ask(adapter: ProviderAdapter, make_call: MakeCall, *, is_streamed: bool) -> str:
    if is_streamed:
        return "".join(event.text for event in await collect(adapter, make_call()))
    return (await adapter.complete(make_call())).text


async def failure(
    adapter: ProviderAdapter, make_call: MakeCall, *, is_streamed: bool, **options: float
) -> AttemptError:
    call = make_call(**options)
    with pytest.raises(AttemptError) as caught:
        await (collect(adapter, call) if is_streamed else adapter.complete(call))
    assert SECRET not in caught.value.message
    return caught.value


async def test_complete__healthy_provider__gives_text_reason_usage_and_id(
    adapter: ProviderAdapter, make_call: MakeCall
) -> None:
    answer = await adapter.complete(make_call())
    assert (answer.text, answer.finish_reason) == (TEXT, "stop")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (FRESH + CACHED, OUTPUT)
    assert answer.usage.cached_input_tokens == CACHED
    assert not answer.usage.is_estimated
    assert answer.upstream_id


async def test_stream__healthy_provider__ends_once_with_reason_and_usage(
    adapter: ProviderAdapter, make_call: MakeCall
) -> None:
    events = await collect(adapter, make_call())
    assert "".join(event.text for event in events) == TEXT
    assert [event.finish_reason for event in events if event.finish_reason] == ["stop"]
    usages = [event.usage for event in events if event.usage]
    assert len(usages) == 1
    assert (usages[0].input_tokens, usages[0].output_tokens) == (FRESH + CACHED, OUTPUT)
    assert usages[0].cached_input_tokens == CACHED


@MODES
async def test_call__sends_model_limit_text_and_only_the_providers_secret(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream, is_streamed: bool
) -> None:
    await ask(adapter, make_call, is_streamed=is_streamed)
    (request,) = upstream.received
    sent = f"{request.path} {request.body}"
    assert "upstream-name" in sent
    assert "Be brief." in sent
    assert "Say hello." in sent
    assert "50" in sent
    assert SECRET not in sent
    assert any(SECRET in value for value in request.headers.values())


@MODES
async def test_server_without_a_key__never_gets_the_platforms(
    adapter: ProviderAdapter,
    make_call: MakeCall,
    upstream: Upstream,
    monkeypatch: pytest.MonkeyPatch,
    is_streamed: bool,
) -> None:
    for name in ENVIRONMENT_KEYS:
        monkeypatch.setenv(name, SECRET)
    call = make_call(secret="")
    await (collect(adapter, call) if is_streamed else adapter.complete(call))
    (request,) = upstream.received
    sent = {request.headers[name] for name in CREDENTIAL_HEADERS.intersection(request.headers)}
    assert sent <= {KEYLESS, f"Bearer {KEYLESS}"}
    assert SECRET not in f"{request.path} {request.headers}"


@MODES
async def test_call__provider_reached_its_limit__says_length(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream, is_streamed: bool
) -> None:
    upstream.script = Script(reason="length")
    if is_streamed:
        reasons = [event.finish_reason for event in await collect(adapter, make_call())]
        assert [reason for reason in reasons if reason] == ["length"]
    else:
        assert (await adapter.complete(make_call())).finish_reason == "length"


@pytest.mark.parametrize("piece_bytes", [1, 3, 7, 64])
@pytest.mark.parametrize("is_crlf", [False, True], ids=["lf", "crlf"])
async def test_stream__events_split_anywhere__keep_every_character(
    adapter: ProviderAdapter,
    make_call: MakeCall,
    upstream: Upstream,
    piece_bytes: int,
    is_crlf: bool,
) -> None:
    upstream.script = Script(piece_bytes=piece_bytes, is_crlf=is_crlf)
    events = await collect(adapter, make_call())
    assert "".join(event.text for event in events) == TEXT


@MODES
async def test_call__provider_sends_no_usage__estimates_and_says_so(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream, is_streamed: bool
) -> None:
    upstream.script = Script(has_usage=False)
    if is_streamed:
        (usage,) = [event.usage for event in await collect(adapter, make_call()) if event.usage]
    else:
        usage = (await adapter.complete(make_call())).usage
    assert usage.is_estimated
    assert usage.input_tokens > 5
    assert usage.output_tokens > 3


@MODES
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, "rejected"),
        (401, "credential"),
        (403, "credential"),
        (404, "credential"),
        (422, "rejected"),
        (429, "rate_limited"),
        (500, "unavailable"),
        (503, "unavailable"),
        (529, "unavailable"),
    ],
)
async def test_call__error_status__is_typed_by_what_to_do_next(
    adapter: ProviderAdapter,
    make_call: MakeCall,
    upstream: Upstream,
    is_streamed: bool,
    status: int,
    expected: str,
) -> None:
    upstream.script = Script(status=status, message=f"refused, your key is {SECRET}")
    error = await failure(adapter, make_call, is_streamed=is_streamed)
    assert (error.kind, error.http_status) == (expected, status)
    assert len(upstream.received) == 1


async def test_call__redirect__is_not_followed(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream
) -> None:
    upstream.script = Script(status=307, headers={"location": f"{upstream.url}/elsewhere"})
    error = await failure(adapter, make_call, is_streamed=False)
    assert error.kind in ("credential", "unavailable")
    assert len(upstream.received) == 1


@MODES
async def test_call__rate_limited__carries_retry_after_in_seconds(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream, is_streamed: bool
) -> None:
    upstream.script = Script(status=429, headers={"retry-after": "12"})
    error = await failure(adapter, make_call, is_streamed=is_streamed)
    assert error.retry_after_seconds == 12


async def test_call__rate_limited__reads_an_http_date(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream
) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=90)
    headers = {"retry-after": format_datetime(moment, usegmt=True)}
    upstream.script = Script(status=429, headers=headers)
    error = await failure(adapter, make_call, is_streamed=False)
    assert error.retry_after_seconds == pytest.approx(90, abs=5)


@MODES
async def test_call__refused_connection__is_unavailable(
    adapter: ProviderAdapter, make_call: MakeCall, is_streamed: bool
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    call = make_call(url=url)
    with pytest.raises(AttemptError) as caught:
        await (collect(adapter, call) if is_streamed else adapter.complete(call))
    assert caught.value.kind == "unavailable"


@MODES
async def test_call__first_byte_too_late__is_unavailable(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream, is_streamed: bool
) -> None:
    upstream.script = Script(delay=5)
    limit = {"first_token": 0.3} if is_streamed else {"total": 0.3}
    error = await failure(adapter, make_call, is_streamed=is_streamed, **limit)
    assert error.kind == "unavailable"


async def test_stream__idle_too_long__is_cut(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream
) -> None:
    upstream.script = Script(stops_early=True, hangs=True)
    error = await failure(adapter, make_call, is_streamed=True, idle=0.3)
    assert error.kind == "cut"


async def test_stream__total_limit__holds_while_events_keep_coming(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream
) -> None:
    upstream.script = Script(piece_bytes=4, pause=0.05)
    error = await failure(adapter, make_call, is_streamed=True, total=0.5)
    assert error.kind in ("cut", "unavailable")


@pytest.mark.parametrize("is_reset", [True, False], ids=["reset", "quiet end"])
async def test_stream__ended_without_its_end__is_cut(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream, is_reset: bool
) -> None:
    upstream.script = Script(is_cut=is_reset, stops_early=not is_reset)
    error = await failure(adapter, make_call, is_streamed=True)
    assert error.kind == "cut"


async def test_complete__body_cut_short__is_unavailable(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream
) -> None:
    upstream.script = Script(is_cut=True)
    error = await failure(adapter, make_call, is_streamed=False)
    assert error.kind == "unavailable"


async def test_stream__error_event_after_text__is_cut_with_its_message(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream
) -> None:
    upstream.script = Script(error_after="text", message="overloaded now")
    error = await failure(adapter, make_call, is_streamed=True)
    assert error.kind == "cut"
    assert "overloaded now" in error.message


async def test_stream__error_event_first__lets_another_deployment_try(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream
) -> None:
    upstream.script = Script(error_after=0, message="overloaded now")
    error = await failure(adapter, make_call, is_streamed=True)
    assert error.kind == "unavailable"


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"[]", b"{", b"null", b'{"a": 1}'])
async def test_complete__rubbish__is_unavailable(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream, body: bytes
) -> None:
    upstream.script = Script(body=body)
    error = await failure(adapter, make_call, is_streamed=False)
    assert error.kind == "unavailable"


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"[]", b"{", b"", b'{"detail": "no"}'])
async def test_complete__error_with_an_unknown_body__keeps_its_status(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream, body: bytes
) -> None:
    upstream.script = Script(status=502, body=body or b" ")
    error = await failure(adapter, make_call, is_streamed=False)
    assert (error.kind, error.http_status) == ("unavailable", 502)
    assert "<html>" not in error.message or error.message


async def test_stream__rubbish_event__is_cut(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream
) -> None:
    rubbish = b"event: content_block_delta\ndata: {rubbish\n\n"
    upstream.script = Script(stops_early=True, rubbish=rubbish)
    error = await failure(adapter, make_call, is_streamed=True)
    assert error.kind == "cut"


@MODES
async def test_call__oversized_answer__is_refused(
    adapter: ProviderAdapter,
    make_call: MakeCall,
    upstream: Upstream,
    is_streamed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (transport, sdk):
        monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 200)
        monkeypatch.setattr(module, "MAX_STREAM_BYTES", 200)
    upstream.script = Script(body=b" " * 2_000 if not is_streamed else b"", piece_bytes=50)
    error = await failure(adapter, make_call, is_streamed=is_streamed)
    assert error.kind in ("cut", "unavailable")
    assert "larger than" in error.message


async def test_stream__paced_provider__stays_paced(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream
) -> None:
    upstream.script = Script(piece_bytes=100, pause=0.05)
    moments = [time.monotonic() async for _event in adapter.stream(make_call())]
    # Held back and sent at once, the first and the last would be here together.
    assert moments[-1] - moments[0] > 0.1


async def test_stream__reader_leaves__the_provider_notices(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream
) -> None:
    upstream.script = Script(piece_bytes=32, pause=0.05)
    events = adapter.stream(make_call())
    await anext(events)
    await events.aclose()  # type: ignore[attr-defined]  # adapters are asynchronous generators
    assert await asyncio.to_thread(upstream.was_abandoned.wait, 5)


@MODES
async def test_call__a_second_one__uses_the_same_connection(
    adapter: ProviderAdapter, make_call: MakeCall, upstream: Upstream, is_streamed: bool
) -> None:
    await ask(adapter, make_call, is_streamed=is_streamed)
    await asyncio.sleep(0.05)
    await ask(adapter, make_call, is_streamed=is_streamed)
    assert len(upstream.connections) == 1
