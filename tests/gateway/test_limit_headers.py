"""E6 at every door: who is told of which limits, with answers, streams and refusals."""

import datetime as dt
from typing import Any

import pytest

from apps.api_keys.services import CreatedKey
from apps.core.database import in_database
from tests.factories.keys import make_key
from tests.factories.process import redis_gone
from tests.factories.routing import SIMULATED, Site, make_site
from tests.gateway.asgi_client import Answer, get, post
from tests.gateway.test_pipeline import simulate

HELLO = [{"role": "user", "content": "Hello"}]
CHAT: dict[str, Any] = {"model": "sim-small", "messages": HELLO}
GEMINI: dict[str, Any] = {"contents": [{"parts": [{"text": "Hello"}]}]}
# Each door, and the names in which its clients are told: a limit, what is left, when it is whole.
OPENAI = tuple(f"x-ratelimit-{name}-requests" for name in ("limit", "remaining", "reset"))
ANTHROPIC = tuple(
    f"anthropic-ratelimit-requests-{name}" for name in ("limit", "remaining", "reset")
)
DOORS = {
    "chat": ("/v1/chat/completions", CHAT, OPENAI),
    "chat, streamed": ("/v1/chat/completions", {**CHAT, "stream": True}, OPENAI),
    "responses": (
        "/v1/responses",
        {"model": "sim-small", "input": "Hello", "store": False},
        OPENAI,
    ),
    "embeddings": ("/v1/embeddings", {"model": "sim-embed", "input": "Hello"}, OPENAI),
    "messages": ("/v1/messages", {**CHAT, "max_tokens": 50}, ANTHROPIC),
    "messages, streamed": (
        "/v1/messages",
        {**CHAT, "max_tokens": 50, "stream": True},
        ANTHROPIC,
    ),
    "complete": ("/api/v1/complete", CHAT, OPENAI),
}
GEMINI_PATHS = (
    "/v1beta/models/sim-small:generateContent",
    "/v1beta/models/sim-small:streamGenerateContent?alt=sse",
)
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("event_loop_clients"),
]


@pytest.fixture
def site(transactional_db: None) -> Site:
    return make_site(models=(*SIMULATED, "sim-embed"))


def about_limits(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if "ratelimit" in name}


async def slow_key(site: Site, per_minute: int, **fields: Any) -> str:
    made = await in_database(make_key, site.project, requests_per_minute=per_minute, **fields)
    clear: str = made.clear
    return clear


@pytest.mark.parametrize(("path", "body", "names"), DOORS.values(), ids=DOORS)
async def test_e6__answer_and_refusal__tell_the_keys_rate_and_nothing_else(
    site: Site, path: str, body: dict[str, Any], names: tuple[str, str, str]
) -> None:
    key = await slow_key(site, 2)
    answers = [await post(path, body, key) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    told = [about_limits(answer) for answer in answers]
    assert all(set(each) == set(names) for each in told)
    limit, remaining, _reset = names
    assert [each[limit] for each in told] == ["2", "2", "2"]
    assert [each[remaining] for each in told] == ["1", "0", "0"]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 30


@pytest.mark.parametrize(("path", "body", "names"), DOORS.values(), ids=DOORS)
async def test_e6__key_without_a_rate__is_told_nothing(
    key: CreatedKey, path: str, body: dict[str, Any], names: tuple[str, str, str]
) -> None:
    answer = await post(path, body, key.clear)
    assert answer.status == 200
    assert about_limits(answer) == {}


@pytest.mark.parametrize("path", GEMINI_PATHS)
async def test_e6__geminis_clients__are_told_in_the_refusals_body_alone(
    site: Site, path: str
) -> None:
    key = await slow_key(site, 1)
    answered, refused = [await post(path, GEMINI, key) for _ in range(2)]
    assert (answered.status, refused.status) == (200, 429)
    assert about_limits(answered) == about_limits(refused) == {}
    error = refused.json()["error"]
    assert error["status"] == "RESOURCE_EXHAUSTED"
    (info,) = [each for each in error["details"] if each["@type"].endswith("google.rpc.RetryInfo")]
    assert info["retryDelay"] == f"{refused.headers['retry-after']}s"
    assert 0 < int(refused.headers["retry-after"]) <= 60


async def test_e6__reset__is_when_the_refused_may_come_again(site: Site) -> None:
    key = await slow_key(site, 1)
    path, body, _names = DOORS["messages"]
    _answered, refused = [await post(path, body, key) for _ in range(2)]
    reset = dt.datetime.fromisoformat(refused.headers["anthropic-ratelimit-requests-reset"])
    seconds = (reset - dt.datetime.now(dt.UTC)).total_seconds()
    assert seconds == pytest.approx(int(refused.headers["retry-after"]), abs=2)
    path, body, _names = DOORS["chat"]
    refused = await post(path, body, key)
    told = refused.headers["x-ratelimit-reset-requests"]
    assert float(told.removesuffix("s")) == pytest.approx(
        int(refused.headers["retry-after"]), abs=2
    )


async def test_e6__budget_that_is_spent__tells_the_rate_too(site: Site) -> None:
    key = await slow_key(site, 5, monthly_budget=1)
    path, body, names = DOORS["chat"]
    refused = await post(path, {**body, "max_tokens": 100}, key)
    assert refused.json()["error"]["code"] == "budget_exceeded"
    assert [refused.headers[name] for name in names] == ["5", "5", "0s"]


async def test_e6__failure_of_the_provider__has_cost_a_request(site: Site) -> None:
    await in_database(simulate, "sim-small", failure_percent=100, failure_status=400)
    key = await slow_key(site, 6)
    for name in ("chat", "messages", "complete"):
        path, body, (_limit, remaining, _reset) = DOORS[name]
        before = await post(path, body, key)
        after = await post(path, body, key)
        assert (before.status, after.status) == (400, 400)
        left = int(before.headers[remaining]) - int(after.headers[remaining])
        assert left == 1


async def test_e6__what_costs_no_request__tells_no_rate(site: Site) -> None:
    key = await slow_key(site, 5)
    counted = {"model": "sim-small", "messages": HELLO}
    answers = [
        await get("/v1/models", key),
        await post("/v1/messages/count_tokens", counted, key),
        await post("/api/v1/route", CHAT, key),
    ]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert [about_limits(answer) for answer in answers] == [{}, {}, {}]


async def test_e6__redis_away__tells_this_processes_share(site: Site, settings: Any) -> None:
    settings.WEB_WORKERS = 2
    key = await slow_key(site, 4)
    path, body, names = DOORS["chat"]
    await post(path, body, key)
    with redis_gone(settings):
        answers = [await post(path, body, key) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    limit, remaining, reset = names
    assert [answer.headers[limit] for answer in answers] == ["4", "4", "4"]
    assert [answer.headers[remaining] for answer in answers] == ["1", "0", "0"]
    assert answers[0].headers[reset].endswith("s")
