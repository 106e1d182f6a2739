"""Errors of the data plane: right status, stable code, the field, in the caller's dialect."""

from typing import Any

import pytest

from apps.api_keys.services import CreatedKey
from apps.core.database import in_database
from apps.gateway import pipeline
from tests.factories.keys import make_key
from tests.factories.routing import Site, make_site
from tests.gateway.asgi_client import get, post

CHAT = "/v1/chat/completions"
COMPLETE = "/api/v1/complete"
HELLO = [{"role": "user", "content": "Hello"}]
pytestmark = pytest.mark.django_db(transaction=True)


async def test_wrong_key__is_401_in_both_dialects(site: Site, event_loop_clients: None) -> None:
    for path in (CHAT, COMPLETE):
        answer = await post(path, {"messages": HELLO}, "llmr_nobody")
        assert answer.status == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "param"),
    [
        (CHAT, b"{", 400, "invalid_json", None),
        (CHAT, b"[]", 400, "invalid_json", None),
        (CHAT, {"model": "nobody", "messages": HELLO}, 404, "model_not_found", "model"),
        (CHAT, {"model": "auto"}, 400, "invalid_request", "messages"),
        (CHAT, {"messages": HELLO, "temperature": 3}, 400, "invalid_request", "temperature"),
        (CHAT, {"messages": HELLO, "n": 0}, 400, "invalid_request", "n"),
        (CHAT, {"messages": [{"role": "x"}]}, 400, "invalid_request", "messages[0].role"),
        (CHAT, {"messages": HELLO, "stream": "yes"}, 400, "invalid_request", "stream"),
        (COMPLETE, {"mesages": HELLO}, 400, "invalid_request", "mesages"),
        (
            COMPLETE,
            {"messages": HELLO, "prompt_template": "x"},
            404,
            "not_found",
            "prompt_template",
        ),
        (
            COMPLETE,
            {"messages": HELLO, "conversation_id": "conv_x"},
            404,
            "not_found",
            "conversation_id",
        ),
    ],
)
async def test_faulty_request__names_the_field(
    key: CreatedKey,
    event_loop_clients: None,
    path: str,
    body: Any,
    status: int,
    code: str,
    param: str | None,
) -> None:
    answer = await post(path, body, key.clear)
    error = answer.json()["error"]
    assert (answer.status, error["code"], error["param"]) == (status, code, param)


async def test_unknown_model__names_what_the_key_may_use(
    key: CreatedKey, event_loop_clients: None
) -> None:
    answer = await post(CHAT, {"model": "nobody", "messages": HELLO}, key.clear)
    assert "sim-small" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "members"),
    [
        (CHAT, {"message", "type", "param", "code"}),
        (COMPLETE, {"message", "param", "code", "details"}),
    ],
)
async def test_body__larger_than_the_limit__is_413_in_the_dialect_of_the_path(
    key: CreatedKey, event_loop_clients: None, settings: Any, path: str, members: set[str]
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    answer = await post(path, b"x" * 1_001, key.clear)
    assert answer.status == 413
    assert answer.json()["error"]["code"] == "payload_too_large"
    assert set(answer.json()["error"]) == members


async def test_path_of_nobody__is_a_readable_404_even_under_debug(
    event_loop_clients: None, settings: Any
) -> None:
    settings.DEBUG = True
    answer = await get("/v1/nothing")
    assert answer.status == 404
    assert answer.json()["error"]["code"] == "not_found"


async def test_defect_of_ours__is_500_without_its_details(
    key: CreatedKey, event_loop_clients: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_ask: Any) -> Any:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(pipeline, "complete", broken)
    answer = await post(CHAT, {"messages": HELLO}, key.clear)
    assert answer.status == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert b"secret reason" not in answer.body


async def test_rate__used_up__is_429_with_retry_after(site: Site, event_loop_clients: None) -> None:
    slow = await in_database(make_key, site.project, requests_per_minute=2)
    answers = [await post(CHAT, {"messages": HELLO}, slow.clear) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert answers[-1].json()["error"]["code"] == "rate_limit_exceeded"


async def test_key_without_the_scope__is_403(site: Site, event_loop_clients: None) -> None:
    reader = await in_database(make_key, site.project, scopes=["usage"])
    answer = await post(CHAT, {"messages": HELLO}, reader.clear)
    assert (answer.status, answer.json()["error"]["code"]) == (403, "permission_denied")


async def test_content_storage_off__conversation_is_409(
    transactional_db: None, event_loop_clients: None
) -> None:
    closed = await in_database(make_key, (await in_database(make_site, "closed")).project)
    answer = await post(COMPLETE, {"messages": HELLO, "conversation_id": "new"}, closed.clear)
    assert (answer.status, answer.json()["error"]["code"]) == (409, "content_storage_off")


async def test_tenants__do_not_see_each_others_models(
    site: Site, key: CreatedKey, event_loop_clients: None
) -> None:
    other = await in_database(
        make_key, (await in_database(make_site, "globex", models=("sim-long",))).project
    )
    mine = {model["id"] for model in (await get("/v1/models", key.clear)).json()["data"]}
    theirs = {model["id"] for model in (await get("/v1/models", other.clear)).json()["data"]}
    assert theirs == {"auto", "sim-long"}
    assert "sim-small" in mine
    asked = await post(CHAT, {"model": "sim-small", "messages": HELLO}, other.clear)
    assert asked.status == 404
