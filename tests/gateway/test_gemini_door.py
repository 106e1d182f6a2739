"""Gemini's addresses: which key is taken where, and refusals in Google's envelope. T1, T2, T10."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from apps.api_keys.services import CreatedKey
from apps.gateway import pipeline
from tests.factories.routing import Site
from tests.gateway.asgi_client import Answer, get, post

pytestmark = pytest.mark.django_db(transaction=True)

HELLO = {"contents": [{"parts": [{"text": "Hello"}]}]}
VERSIONS = ("v1", "v1beta")
WHOLE, STREAM = ":generateContent", ":streamGenerateContent"


async def ask(action: str, token: str = "", *, query: str = "", body: Any = HELLO) -> list[Answer]:
    """Return the answer of each version to one question."""
    paths = [f"/{version}/models/sim-small{action}{query}" for version in VERSIONS]
    return [await post(path, body, token) for path in paths]


async def test_gi1__simulated_model__answers_whole_and_streamed(
    key: CreatedKey, event_loop_clients: None
) -> None:
    for whole in await ask(WHOLE, key.clear):
        (candidate,) = whole.json()["candidates"]
        assert candidate["finishReason"] == "STOP"
        assert whole.headers["x-router-model"] == "sim-small"
        text = candidate["content"]["parts"][0]["text"]
        usage = whole.json()["usageMetadata"]
    for events in await ask(STREAM, key.clear, query="?alt=sse"):
        chunks = events.events()
        assert events.headers["content-type"].startswith("text/event-stream")
        assert "".join(text_of(chunk) for chunk in chunks) == text
        assert chunks[-1]["usageMetadata"] == usage
    for array in await ask(STREAM, key.clear):
        assert array.headers["content-type"].startswith("application/json")
        assert "".join(text_of(chunk) for chunk in array.json()) == text


def text_of(chunk: dict[str, Any]) -> str:
    return "".join(part["text"] for part in chunk["candidates"][0]["content"]["parts"])


async def test_t1__key_of_any_spelling__is_taken(key: CreatedKey, event_loop_clients: None) -> None:
    for version in VERSIONS:
        path = f"/{version}/models/sim-small{WHOLE}"
        assert (await post(path, HELLO, x_goog_api_key=key.clear)).status == 200
        assert (await post(f"{path}?key={key.clear}", HELLO)).status == 200
        listed = await get(f"/{version}/models?key={key.clear}")
        assert listed.status == 200


async def test_t1__key_in_the_address__is_googles_way_only(
    key: CreatedKey, event_loop_clients: None
) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
    assert (await post(f"/v1/chat/completions?key={key.clear}", body)).status == 401


@pytest.mark.parametrize("action", [WHOLE, f"{STREAM}?alt=sse", ":countTokens"])
@pytest.mark.parametrize(
    ("model", "body", "token", "code", "name"),
    [
        ("sim-small", HELLO, "llmr_nobody", 401, "UNAUTHENTICATED"),
        ("sim-small", HELLO, "", 401, "UNAUTHENTICATED"),
        ("nobody", HELLO, None, 404, "NOT_FOUND"),
        ("sim-small", b"{", None, 400, "INVALID_ARGUMENT"),
        ("sim-small", {}, None, 400, "INVALID_ARGUMENT"),
    ],
)
async def test_gi5_t10__refusal__is_in_googles_envelope(
    key: CreatedKey,
    event_loop_clients: None,
    action: str,
    model: str,
    body: Any,
    token: str | None,
    code: int,
    name: str,
) -> None:
    for version in VERSIONS:
        given = key.clear if token is None else token
        answer = await post(f"/{version}/models/{model}{action}", body, given)
        told = answer.json()["error"]
        assert (answer.status, told["code"], told["status"]) == (code, code, name)
        assert answer.headers["x-request-id"] == told["details"][-1]["requestId"]


async def test_gi5__array_that_is_refused__is_an_array_of_its_error(site: Site) -> None:
    for answer in await ask(STREAM, "llmr_nobody"):
        (told,) = answer.json()
        assert (answer.status, told["error"]["status"]) == (401, "UNAUTHENTICATED")


async def test_gi5__path_of_nobody__is_in_googles_envelope(site: Site) -> None:
    told = (await get("/v1beta/nothing")).json()["error"]
    assert (told["code"], told["status"]) == (404, "NOT_FOUND")


async def test_gi1__tokens_of_a_whole_request__are_more_than_those_of_its_contents(
    key: CreatedKey, event_loop_clients: None
) -> None:
    wanted = {**HELLO, "model": "models/sim-small", "systemInstruction": "Be kind. " * 9}
    for name in ("generateContentRequest", "generate_content_request"):
        few = (await ask(":countTokens", key.clear))[0].json()["totalTokens"]
        many = (await ask(":countTokens", key.clear, body={name: wanted}))[0].json()
        assert many["totalTokens"] > few + 9


async def test_gi1__tokens_by_any_name_that_is_routed__are_counted(
    key: CreatedKey, event_loop_clients: None
) -> None:
    answer = await post("/v1beta/models/auto:countTokens", HELLO, key.clear)
    assert answer.json()["totalTokens"] > 0


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_arguments: Any) -> AsyncIterator[None]:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(pipeline, "admitted", fail)


async def test_t2__key_in_the_address__is_in_no_log_even_of_a_defect(
    key: CreatedKey, event_loop_clients: None, broken: None, caplog: pytest.LogCaptureFixture
) -> None:
    for answer in await ask(WHOLE, query=f"?key={key.clear}"):
        assert answer.json()["error"]["status"] == "INTERNAL"
    assert "a defect" in caplog.text
    assert key.clear not in caplog.text
    assert not any(key.clear in repr(record.__dict__) for record in caplog.records)
