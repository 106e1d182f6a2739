"""The log keeps what a replay needs: decided again from the books, a request goes the same way."""

from typing import Any

import pytest

from apps.api_keys.services import CreatedKey
from apps.core.database import in_database
from apps.core.scoping import all_tenants
from apps.gateway.health_board import board
from apps.providers.models import Deployment
from apps.routing.engine.request_router import decide
from apps.routing.engine.trace import pack_trace
from apps.routing.engine.types import Decision, HealthEvent, RequestFacts
from apps.routing.logged_facts import facts_from
from apps.routing.logged_health import health_from
from apps.routing.snapshot_store import snapshot_store
from apps.usage.models import HealthSnapshot, RequestLog
from apps.usage.writer import UsageWriter
from tests.factories.keys import make_key
from tests.factories.routing import Site, clause, make_rule, publish
from tests.factories.usage import drain
from tests.gateway.asgi_client import post

CHAT = "/v1/chat/completions"
MESSAGES = [
    {"role": "system", "content": "You help."},
    {"role": "user", "content": "Quero cancelar meu pedido 4711"},
]
CLAUSES = (
    clause("message_text", "matches", r"pedido \d+"),
    clause("message_text", "contains", ["CANCELAR"]),
    clause("language", "is", "pt"),
    clause("weekday", "is", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
    clause("budget_left_percent", "more_than", 50),
    clause("metadata.plan", "is", "gold"),
    clause("header.X-Team", "is", "blue"),
    clause("user", "is", "ana"),
    clause("needs", "has", "streaming"),
    clause("message_length", "between", [10, 100]),
)
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("event_loop_clients"),
]


@pytest.fixture
def reading_site(site: Site) -> Site:
    """A site whose first rule reads everything that can be read, and holds."""
    make_rule(site.tenant, targets=("sim-large",), conditions={"all": list(CLAUSES)})
    make_rule(site.tenant, targets=("sim-small", "sim-long"))
    publish(site.tenant)
    return site


@pytest.fixture
def budgeted(reading_site: Site) -> CreatedKey:
    return make_key(reading_site.project, monthly_budget=10_000_000)


def body(**fields: Any) -> dict[str, Any]:
    asked = {"model": "auto", "messages": MESSAGES, "user": "ana", "metadata": {"plan": "gold"}}
    return {**asked, "stream": True, **fields}


def logged() -> list[tuple[RequestLog, dict[str, Any]]]:
    """Write what is on its way; return each row with the health that it names."""
    drain(UsageWriter())
    with all_tenants("tests"):
        bodies = dict(HealthSnapshot.objects.values_list("id", "body"))
        rows = RequestLog.objects.order_by("at", "id")
        return [(row, bodies[row.facts["health"]]) for row in rows]


def facts_of(row: RequestLog) -> RequestFacts:
    columns = {
        "request_id": f"req_{row.id.hex}",
        "project": row.project,
        "key_id": str(row.key_id),
        "door": row.door,
        "requested_model": row.requested_model,
        "conversation": row.conversation_id,
    }
    return facts_from(row.facts, columns)


async def replayed(row: RequestLog, health: dict[str, Any]) -> Decision:
    snapshot = (await snapshot_store().pin(row.tenant_id)).snapshot
    return decide(facts_of(row), snapshot, health_from(health), row.facts["seed"])


async def test_requests__decided_again_from_the_books__go_the_same_way(
    budgeted: CreatedKey,
) -> None:
    bodies = (body(), body(stream=False), body(user="eva"), body(messages=MESSAGES[:1]))
    for asked in bodies:
        assert (await post(CHAT, asked, budgeted.clear, **{"x-team": "blue"})).status == 200
    rows = await in_database(logged)
    assert [row.model for row, _ in rows] == ["sim-large", "sim-small", "sim-small", "sim-small"]
    for row, health in rows:
        decision = await replayed(row, health)
        assert decision.outcome == "route"
        assert decision.rule_id == row.rule_id
        assert pack_trace(decision.trace, lambda _: 0) == row.trace


async def test_request__that_failed_over__is_logged_as_it_was_first_decided(
    budgeted: CreatedKey,
) -> None:
    await in_database(_break_small)
    await post(CHAT, body(stream=False), budgeted.clear)
    ((row, health),) = await in_database(logged)
    assert len(row.attempts) > 1
    assert facts_of(row).tried_deployments == ()
    assert health["deployments"] == {}
    assert pack_trace((await replayed(row, health)).trace, lambda _: 0) == row.trace


async def test_health__that_did_not_change__is_stored_once(budgeted: CreatedKey) -> None:
    board.note(HealthEvent("d-x", "error", 1, provider="p", call_id="c"))
    for _ in range(2):
        refused = await post(CHAT, body(model="nothing-known"), budgeted.clear)
        assert refused.status == 404
    first, second = await in_database(logged)
    assert first[0].facts["health"] == second[0].facts["health"]
    assert health_from(first[1]) == board.health


async def test_record__of_a_request__holds_nothing_that_was_written(budgeted: CreatedKey) -> None:
    await post(CHAT, body(), budgeted.clear, **{"x-team": "blue", "x-secret": "s3cret"})
    ((row, _),) = await in_database(logged)
    assert len(row.facts["looked_for"]) == len(row.facts["patterns"]) == 2
    assert row.facts["headers"] == {"x-team": "blue"}
    told = str(row.facts)
    assert not any(text in told for text in ("cancelar", "CANCELAR", "4711", "help", "s3cret"))


def _break_small() -> None:
    broken = {"failure_percent": 100, "failure_status": 503}
    with all_tenants("tests"):
        rows = Deployment.objects.filter(llm_model__name="sim-small", tenant=None)
        rows.update(simulation=broken)
    publish(None)
