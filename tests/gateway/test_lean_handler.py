"""The lean handler's edges: callers that leave, methods that are not, defects under DEBUG."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from apps.api_keys.services import CreatedKey
from apps.gateway import dispatch, pipeline
from apps.usage.codec import decode_event
from apps.usage.stream import STREAM
from router_project.asgi import application
from tests.factories.routing import Site
from tests.gateway.asgi_client import _ask, _scope, get, post

CHAT, COMPLETE, ROUTE = "/v1/chat/completions", "/api/v1/complete", "/api/v1/route"
HELLO = [{"role": "user", "content": "Hello"}]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("event_loop_clients"),
]


@pytest.mark.parametrize("path", [CHAT, COMPLETE, ROUTE])
async def test_method__that_is_not_offered__is_a_readable_405(path: str, key: CreatedKey) -> None:
    answer = await get(path, key.clear)
    assert answer.status == 405
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["error"]["code"] == "method_not_allowed"
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("is_debug", [False, True])
@pytest.mark.parametrize("path", [CHAT, COMPLETE, ROUTE])
async def test_defect__in_any_door__is_a_bare_500(
    path: str, is_debug: bool, key: CreatedKey, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret-detail")

    settings.DEBUG = is_debug
    monkeypatch.setattr(pipeline, "begin", fail)
    answer = await post(path, {"messages": HELLO}, key.clear)
    assert answer.status == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert b"secret-detail" not in answer.body
    assert b"Traceback" not in answer.body


async def test_body__sent_in_parts__is_refused_as_soon_as_it_is_too_large(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    asked, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(_scope("POST", CHAT, "", {}), receive, send)
    assert asked == 2
    assert sent[0]["status"] == 413


async def test_caller__who_leaves_before_the_body_is_whole__costs_nothing(
    redis_client: redis.Redis,
) -> None:
    messages: Iterator[dict[str, Any]] = iter(
        [
            {"type": "http.request", "body": b'{"mess', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(_scope("POST", CHAT, "", {}), receive, send)
    assert sent == []
    assert redis_client.xlen(STREAM) == 0


async def test_caller__who_leaves_a_whole_answer__is_booked_as_cancelled(
    site: Site, key: CreatedKey, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def hang(_run: Any) -> None:
        begun.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(dispatch, "complete", hang)
    first = True

    async def receive() -> dict[str, Any]:
        nonlocal first
        if first:
            first = False
            body = b'{"messages": [{"role": "user", "content": "Hello"}]}'
            return {"type": "http.request", "body": body, "more_body": False}
        await begun.wait()
        return {"type": "http.disconnect"}

    async def send(_message: dict[str, Any]) -> None:
        raise AssertionError("nobody is there to be told")

    await application(_scope("POST", CHAT, key.clear, {}), receive, send)
    ((_id, fields),) = list_of(redis_client.xrange(STREAM))
    event = decode_event(fields[b"event"])
    assert (event.status, event.http_status) == ("cancelled", 499)
    assert redis_client.hlen("router:reservations") == 0


@pytest.mark.parametrize("header", ["x-api-key", "x-goog-api-key"])
async def test_key__in_another_dialects_header__is_taken(key: CreatedKey, header: str) -> None:
    answer = await _ask("GET", "/v1/models", b"", "", {header.replace("-", "_"): key.clear})
    assert answer.status == 200


@pytest.mark.parametrize(
    "tags",
    [["x" * 41], [f"t{number}" for number in range(17)], ["a\0b"]],
)
async def test_tags__that_the_books_cannot_hold__are_refused_before_the_call(
    tags: list[str], key: CreatedKey, redis_client: redis.Redis
) -> None:
    body = {"messages": HELLO, "metadata": {"tags": tags}}
    answer = await post(CHAT, body, key.clear)
    assert answer.status == 400
    assert answer.json()["error"]["param"] == "tags"
    assert redis_client.xlen(STREAM) == 0


async def test_probes__without_a_key__answer(site: Site) -> None:
    assert (await get("/livez")).json() == {"status": "ok"}
    ready = (await get("/readyz")).json()
    assert ready["checks"] == {"snapshot": "ok", "redis": "ok", "database": "ok"}


def list_of(value: Any) -> list[Any]:
    return list(value)
