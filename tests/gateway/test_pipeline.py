"""The pipeline end to end, in process: fail-over, budgets, cache, conversations, early leavers."""

from typing import Any

import pytest
import redis

from apps.api_keys.services import CreatedKey
from apps.core.database import in_database
from apps.core.scoping import all_tenants
from apps.providers.models import Deployment
from apps.usage.codec import decode_event
from apps.usage.stream import STREAM
from apps.usage.types import UsageEvent
from tests.factories.keys import make_key
from tests.factories.routing import Site, make_rule, make_site, publish
from tests.gateway.asgi_client import leave_after, post

CHAT = "/v1/chat/completions"
pytestmark = pytest.mark.django_db(transaction=True)


def body(text: str = "Hello", **fields: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}


def events(client: redis.Redis) -> list[UsageEvent]:
    """Return what was appended to the stream, oldest first."""
    rows: Any = client.xrange(STREAM)
    return [decode_event(fields[b"event"]) for _id, fields in rows]


def simulate(model: str, **knobs: Any) -> None:
    """Set the knobs of the platform's deployment of a model, and publish."""
    with all_tenants("tests"):
        Deployment.objects.filter(llm_model__name=model, tenant=None).update(simulation=knobs)
    publish(None)


@pytest.fixture
def failing_small(site: Site) -> Site:
    """A site whose rule asks the small model first, which always fails."""
    make_rule(site.tenant, targets=("sim-small", "sim-large"))
    publish(site.tenant)
    simulate("sim-small", failure_percent=100, failure_status=503)
    return site


async def test_failing_deployment__next_one_answers_and_both_attempts_are_booked(
    failing_small: Site, key: CreatedKey, redis_client: redis.Redis, event_loop_clients: None
) -> None:
    answer = await post(CHAT, body(), key.clear)
    assert answer.status == 200
    assert answer.headers["x-router-model"] == "sim-large"
    event = events(redis_client)[-1]
    assert [(a.model, a.status) for a in event.attempts] == [
        ("sim-small", "error"),
        ("sim-large", "ok"),
    ]
    assert event.attempts[0].cost == 0
    assert event.cost == event.attempts[1].cost > 0


async def test_failing_deployment__streamed__fails_over_before_the_first_byte(
    failing_small: Site, key: CreatedKey, event_loop_clients: None
) -> None:
    answer = await post(CHAT, body(stream=True), key.clear)
    assert answer.status == 200
    assert {event["model"] for event in answer.events()} == {"sim-large"}


async def test_request_that_the_provider_refuses__is_not_tried_elsewhere(
    site: Site, key: CreatedKey, redis_client: redis.Redis, event_loop_clients: None
) -> None:
    await in_database(make_rule, site.tenant, targets=("sim-small", "sim-large"))
    await in_database(publish, site.tenant)
    await in_database(simulate, "sim-small", failure_percent=100, failure_status=400)
    answer = await post(CHAT, body(), key.clear)
    assert answer.status == 400
    assert answer.json()["error"]["code"] == "provider_rejected_request"
    assert len(events(redis_client)[-1].attempts) == 1


async def test_budget__too_small_for_the_worst_case__is_refused_before_the_call(
    site: Site, redis_client: redis.Redis, event_loop_clients: None
) -> None:
    poor = await in_database(make_key, site.project, monthly_budget=1)
    answer = await post(CHAT, body(max_tokens=100), poor.clear)
    assert answer.status == 429
    assert answer.json()["error"]["code"] == "budget_exceeded"
    assert events(redis_client)[-1].attempts == ()


async def test_budget__for_one_answer__is_refused_for_several(
    site: Site, redis_client: redis.Redis, event_loop_clients: None
) -> None:
    tight = await in_database(make_key, site.project, monthly_budget=400)
    asked: dict[str, Any] = {"model": "sim-small", "max_tokens": 1_000}
    refused = await post(CHAT, body(**asked, n=4), tight.clear)
    assert (refused.status, refused.json()["error"]["code"]) == (429, "budget_exceeded")
    assert events(redis_client)[-1].attempts == ()
    answer = await post(CHAT, body(**asked), tight.clear)
    assert answer.status == 200


async def test_budget__too_small_for_the_dear_target_only__the_cheap_one_answers(
    site: Site, event_loop_clients: None
) -> None:
    await in_database(make_rule, site.tenant, targets=("sim-large", "sim-small"))
    await in_database(publish, site.tenant)
    tight = await in_database(make_key, site.project, monthly_budget=900)
    answer = await post(CHAT, body(max_tokens=1_000), tight.clear)
    assert answer.status == 200
    assert answer.headers["x-router-model"] == "sim-small"


async def test_cached_answer__serves_its_tenant_and_nobody_else(
    site: Site, key: CreatedKey, event_loop_clients: None
) -> None:
    other = await in_database(make_site, "globex")
    for tenant in (site.tenant, other.tenant):
        await in_database(make_rule, tenant, targets=("sim-small",), cache_seconds=60)
        await in_database(publish, tenant)
    stranger = await in_database(make_key, other.project)
    seen = [
        (await post(CHAT, body(), token)).headers["x-router-cache"]
        for token in (key.clear, key.clear, stranger.clear, stranger.clear)
    ]
    assert seen == ["miss", "hit", "miss", "hit"]


async def test_cached_answer__streamed__is_the_same_text(
    site: Site, key: CreatedKey, event_loop_clients: None
) -> None:
    await in_database(make_rule, site.tenant, targets=("sim-small",), cache_seconds=60)
    await in_database(publish, site.tenant)
    whole = (await post(CHAT, body(), key.clear)).json()["choices"][0]["message"]["content"]
    streamed = await post(CHAT, body(stream=True), key.clear)
    assert streamed.headers["x-router-cache"] == "hit"
    deltas = [event["choices"][0]["delta"].get("content", "") for event in streamed.events()]
    assert "".join(deltas) == whole


async def test_conversation__continued__sends_its_history_to_the_model(
    site: Site, key: CreatedKey, redis_client: redis.Redis, event_loop_clients: None
) -> None:
    ask = {"messages": [{"role": "user", "content": "My name is Ada."}]}
    first = (await post("/api/v1/complete", {**ask, "conversation_id": "new"}, key.clear)).json()
    second = (
        await post(
            "/api/v1/complete", {**ask, "conversation_id": first["conversation_id"]}, key.clear
        )
    ).json()
    assert second["conversation_id"] == first["conversation_id"]
    assert second["usage"]["input_tokens"] > 2 * first["usage"]["input_tokens"]


async def test_caller__who_leaves_in_the_middle_of_a_stream__is_booked_as_cancelled(
    site: Site, key: CreatedKey, redis_client: redis.Redis, event_loop_clients: None
) -> None:
    await in_database(simulate, "sim-small", tokens_per_second=20, output_tokens=200)
    await leave_after(3, CHAT, body(model="sim-small", stream=True), key.clear)
    event = events(redis_client)[-1]
    assert (event.status, event.http_status) == ("cancelled", 499)
    assert event.attempts[0].is_estimated
    assert 0 < event.attempts[0].output_tokens < 150


async def test_redis_budget__after_answers__equals_the_sum_of_the_events(
    site: Site, redis_client: redis.Redis, event_loop_clients: None
) -> None:
    rich = await in_database(make_key, site.project, monthly_budget=10**9)
    for number in range(5):
        await post(CHAT, body(f"Question {number}"), rich.clear)
    (name,) = redis_client.keys(f"*:budget:{rich.row.id}:*")
    kept: Any = redis_client.hgetall(name)
    assert int(kept[b"settled"]) == sum(event.cost for event in events(redis_client))
    assert int(kept[b"reserved"]) == 0
