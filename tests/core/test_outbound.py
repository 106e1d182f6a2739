"""The outbound policy: a table of addresses, and a client that keeps to the checked one."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from apps.core import outbound
from apps.core.errors import InvalidRequest
from apps.core.outbound import OutboundFailed, check_destination, post_json, resolve
from tests.providers.upstream import Upstream, running_upstream
from tests.providers.wires import Script

NAMES = {
    "public.example": ["93.184.216.34"],
    "two-faced.example": ["93.184.216.34", "10.0.0.5"],
    "inside.example": ["192.168.1.9"],
    "six.example": ["2606:2800:220:1::1"],
}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with running_upstream() as upstream:
        yield upstream


@pytest.fixture
def _strict(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse private addresses, and answer for the name server."""
    settings.OUTBOUND_ALLOW_PRIVATE = False
    real = socket.getaddrinfo

    def answer(host: str, port: int, **options: Any) -> Any:
        if host in NAMES:
            return [(0, 0, 0, "", (address, port)) for address in NAMES[host]]
        try:
            return real(host, port, flags=socket.AI_NUMERICHOST, **options)
        except AssertionError:
            # The suite's own guard refuses to resolve; a number needs no resolving.
            number = outbound._literal(host)
            if number is None:
                raise OSError("unknown name") from None
            return [(0, 0, 0, "", (str(number), port))]

    monkeypatch.setattr("apps.core.outbound.socket.getaddrinfo", answer)


@pytest.mark.usefixtures("_strict")
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.0.1/",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://168.63.129.16/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1%25eth0]/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://metadata.google.internal/",
        "http://METADATA.google.internal./",
        "http://inside.example/",
        "http://two-faced.example/",
        "http://unknown.example/",
    ],
)
def test_check_destination__inside_of_a_network__is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest):
        check_destination(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://public.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//public.example/",
        "public.example",
        "",
        "http://",
        "http://user:password@public.example/",
        "http://user@public.example/",
        "http://public.example:99999/",
        "http://public.example/\r\nx: y",
        "http://public.example\\@evil.example/",
        "http://public example/",
        "http://[::1/",
        "https://" + "a" * 3_000,
    ],
)
@pytest.mark.usefixtures("_strict")
def test_check_destination__not_a_plain_web_address__is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_destination(url, param="base_url")
    assert caught.value.param == "base_url"


@pytest.mark.usefixtures("_strict")
@pytest.mark.parametrize(
    "host", ["public.example", "six.example", "8.8.8.8", "public.example:8443"]
)
def test_check_destination__public_address__passes(host: str) -> None:
    check_destination(f"https://{host}/v1")


@pytest.mark.usefixtures("_strict")
def test_resolve__gives_the_addresses_that_were_checked() -> None:
    destination = resolve("https://public.example/hook?x=1")
    assert (destination.addresses, destination.port) == (("93.184.216.34",), 443)


def test_check_destination__private_allowed__passes_without_asking_the_name_server() -> None:
    check_destination("http://10.0.0.1:8000/v1")
    check_destination("http://vllm.internal:8000/v1")


@pytest.mark.parametrize("host", ["169.254.169.254", "0xa9fea9fe", "[::ffff:169.254.169.254]"])
def test_check_destination__private_allowed__still_refuses_cloud_metadata(host: str) -> None:
    with pytest.raises(InvalidRequest):
        check_destination(f"http://{host}/")


def test_post_json__sends_body_and_headers_and_reads_the_answer(upstream: Upstream) -> None:
    upstream.script = Script(body=b'{"got": true}')
    url = f"{upstream.url}/hooks/v1/chat/completions?a=1"
    reply = post_json(url, b'{"n": 1}', {"x-signature": "s"}, timeout=3)
    (request,) = upstream.received
    assert (reply.status, json.loads(reply.body)) == (200, {"got": True})
    assert (request.path, request.body) == ("/hooks/v1/chat/completions?a=1", {"n": 1})
    assert request.headers["x-signature"] == "s"
    assert request.headers["host"] == upstream.url.removeprefix("http://")


def test_post_json__redirect__is_an_answer(upstream: Upstream) -> None:
    upstream.script = Script(status=302, headers={"location": "http://127.0.0.1:1/"})
    assert post_json(f"{upstream.url}/v1/chat/completions", b"{}", {}, timeout=3).status == 302
    assert len(upstream.received) == 1


def test_post_json__name_changes_its_meaning__connects_to_the_checked_address(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["127.0.0.1", "127.0.0.9"])

    def answer(host: str, port: int, *_: Any, **__: Any) -> Any:
        address = host if host == "127.0.0.1" else next(answers)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr("apps.core.outbound.socket.getaddrinfo", answer)
    url = upstream.url.replace("127.0.0.1", "rebinding.example") + "/v1/chat/completions"
    assert post_json(url, b"{}", {}, timeout=3).status == 200
    assert next(answers) == "127.0.0.9"


def test_post_json__large_answer__is_cut(upstream: Upstream) -> None:
    upstream.script = Script(body=b" " * 500_000)
    reply = post_json(f"{upstream.url}/v1/chat/completions", b"{}", {}, timeout=3)
    assert len(reply.body) == outbound.MAX_REPLY_BYTES


def test_post_json__nobody_listens__fails_with_a_typed_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(OutboundFailed):
        post_json(f"http://127.0.0.1:{port}/", b"{}", {}, timeout=1)


def test_post_json__slow_or_trickling_server__ends_in_time(upstream: Upstream) -> None:
    upstream.script = Script(delay=20)
    started = time.monotonic()
    with pytest.raises(OutboundFailed):
        post_json(f"{upstream.url}/v1/chat/completions", b"{}", {}, timeout=0.4)
    assert time.monotonic() - started < 5


@pytest.mark.usefixtures("_strict")
def test_post_json__private_address__is_refused_before_anything_is_sent(upstream: Upstream) -> None:
    with pytest.raises(InvalidRequest):
        post_json(f"{upstream.url}/v1/chat/completions", b"{}", {}, timeout=1)
    assert upstream.received == []
