"""Anthropic's door over HTTP, in front of simulated models: T1, T8 to T10, T12, T13, T15, T16."""

from typing import Any

import pytest

from apps.api_keys.services import CreatedKey
from apps.core.database import in_database
from apps.gateway import dispatch
from tests.factories.keys import make_key
from tests.factories.routing import Site
from tests.gateway.asgi_client import Answer, ask, get, post
from tests.gateway.scripted import Scripted

MESSAGES = "/v1/messages"
COUNT = "/v1/messages/count_tokens"
HELLO = [{"role": "user", "content": "Hello"}]
BODY = {"model": "sim-small", "max_tokens": 50, "messages": HELLO}
pytestmark = pytest.mark.django_db(transaction=True)


def refusal(answer: Answer) -> tuple[int, str]:
    """Return status and type of an error that is in the dialect."""
    body = answer.json()
    assert set(body) == {"type", "error", "request_id"}
    assert body["type"] == "error"
    assert set(body["error"]) == {"type", "message"}
    assert body["request_id"] == answer.headers["request-id"] == answer.headers["x-request-id"]
    return answer.status, body["error"]["type"]


async def test_message__of_any_provider__is_anthropics(
    key: CreatedKey, event_loop_clients: None
) -> None:
    answer = await post(MESSAGES, BODY, key.clear)
    body = answer.json()
    assert (answer.status, body["type"], body["model"]) == (200, "message", "sim-small")
    assert body["content"][0]["type"] == "text"
    assert answer.headers["request-id"].startswith("req_")
    assert body["id"].removeprefix("msg_") == answer.headers["request-id"].removeprefix("req_")


async def test_t1__key__is_taken_from_either_header(
    key: CreatedKey, event_loop_clients: None
) -> None:
    assert (await post(MESSAGES, BODY, x_api_key=key.clear)).status == 200
    assert (await post(MESSAGES, BODY, key.clear)).status == 200
    for headers in ({}, {"x_api_key": "llmr_nobody"}):
        refused = await post(MESSAGES, BODY, **headers)
        assert refusal(refused) == (401, "authentication_error")
    assert "x-api-key" in (await post(MESSAGES, BODY)).json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        {"max_tokens": 5, "messages": HELLO},
        {"model": "sim-small", "messages": HELLO},
        {"model": "sim-small", "max_tokens": 5},
        {**BODY, "tools": [{"name": "a", "input_schema": {}}]},
    ],
)
async def test_t9__faulty_body__is_a_400_of_the_dialect(
    key: CreatedKey, event_loop_clients: None, body: Any
) -> None:
    for given in (body, {**body, "stream": True} if isinstance(body, dict) else body):
        assert refusal(await post(MESSAGES, given, key.clear)) == (400, "invalid_request_error")


async def test_t10__unknown_model__is_a_404(key: CreatedKey, event_loop_clients: None) -> None:
    for path in (MESSAGES, COUNT):
        refused = await post(path, {**BODY, "model": "nobody"}, key.clear)
        assert refusal(refused) == (404, "not_found_error")


async def test_t12__body_over_the_limit__is_a_413_of_the_dialect(
    key: CreatedKey, event_loop_clients: None, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    assert refusal(await post(MESSAGES, b"x" * 1_001, key.clear)) == (413, "request_too_large")


async def test_ao16__key_without_the_scope__is_a_403(site: Site, event_loop_clients: None) -> None:
    key = await in_database(make_key, site.project, scopes=["usage"])
    for path in (MESSAGES, COUNT):
        assert refusal(await post(path, BODY, key.clear)) == (403, "permission_error")


async def test_t13__count__grows_with_everything(key: CreatedKey, event_loop_clients: None) -> None:
    tool = {"name": "clock", "description": "Tells the time.", "input_schema": {"type": "object"}}
    image = {"type": "base64", "media_type": "image/png", "data": "aGk=" * 50}
    steps: list[dict[str, Any]] = [
        {},
        {"system": "Be kind."},
        {"tools": [tool]},
        {"tools": [tool, {**tool, "name": "calendar"}]},
        {"messages": [*HELLO, {"role": "assistant", "content": "Hi."}, *HELLO]},
        {"messages": [{"role": "user", "content": [{"type": "image", "source": image}]}, *HELLO]},
    ]
    body: dict[str, Any] = {"model": "sim-small", "messages": HELLO}
    counts = []
    for step in steps:
        body |= step
        for path in (COUNT, f"{COUNT}?beta=true"):
            answer = await post(path, body, key.clear)
            assert answer.status == 200
            assert list(answer.json()) == ["input_tokens"]
        counts.append(answer.json()["input_tokens"])
    assert counts == sorted(set(counts))


async def test_t15__asking_what_is_here__needs_no_key(site: Site, event_loop_clients: None) -> None:
    options = await ask("OPTIONS", MESSAGES)
    assert (options.status, options.headers["allow"], options.body) == (204, "POST", b"")
    assert (await ask("HEAD", "/v1/models")).status == 204
    assert refusal(await get(MESSAGES)) == (405, "invalid_request_error")
    assert refusal(await get(f"{MESSAGES}/of/nobody")) == (404, "not_found_error")


async def test_t16__version_and_beta__are_optional_and_both_go_on(
    key: CreatedKey, event_loop_clients: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Scripted([])
    monkeypatch.setattr(dispatch, "adapter_for", lambda _name: provider)
    for headers in ({}, {"anthropic_version": "2023-06-01", "anthropic_beta": "a-1,b-2"}):
        answer = await post(f"{MESSAGES}?beta=true", BODY, key.clear, **headers)
        assert answer.status == 200
    assert [dict(call.request.headers) for call in provider.calls] == [
        {},
        {"anthropic-version": "2023-06-01", "anthropic-beta": "a-1,b-2"},
    ]
