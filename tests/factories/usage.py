"""Usage events for tests."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from apps.api_keys.types import Caller
from apps.core.clock import unix_ms
from apps.core.ids import new_id
from apps.core.scoping import all_tenants
from apps.tenants.models import Tenant
from apps.usage.ledger import write_events
from apps.usage.types import AttemptRecord, UsageEvent
from apps.usage.writer import UsageWriter

NOBODY = UUID(int=0)


def make_attempt(**fields: Any) -> AttemptRecord:
    """Return an attempt that answered and cost 1,000 micro-dollars."""
    attempt = AttemptRecord(
        id=new_id(),
        deployment_id=NOBODY.hex,
        deployment="sim-small",
        model="sim-small",
        provider="simulated",
        status="ok",
        error_code="",
        http_status=None,
        input_tokens=10,
        output_tokens=20,
        cached_input_tokens=0,
        cache_write_tokens=0,
        reasoning_tokens=0,
        is_estimated=False,
        cost=1_000,
        started_at_ms=unix_ms(),
        ttft_ms=5,
        total_ms=50,
    )
    return replace(attempt, **fields)


def make_event(owner: Tenant | Caller | None = None, **fields: Any) -> UsageEvent:
    """Return an event of one attempt; its cost is that of its attempts unless it is given."""
    attempts = fields.pop("attempts", None)
    if attempts is None:
        attempts = (make_attempt(**({"cost": fields["cost"]} if "cost" in fields else {})),)
    event = UsageEvent(
        event_id=new_id(),
        at_ms=unix_ms(),
        tenant_id=new_id(),
        tenant="acme",
        project_id=NOBODY,
        project="support",
        key_id=NOBODY,
        key="Key",
        door="openai.chat",
        requested_model="auto",
        model="sim-small",
        provider="simulated",
        rule_id="",
        rule="",
        tags=("faq",),
        conversation_id="",
        prompt_template="",
        status="ok",
        error_code="",
        http_status=200,
        cache="off",
        is_streamed=False,
        cost=sum(attempt.cost for attempt in attempts),
        ttft_ms=5,
        total_ms=50,
        platform_version=1,
        tenant_version=1,
        trace=[],
        attempts=attempts,
    )
    return replace(event, **{**_owner_fields(owner), **fields})


def write(*events: UsageEvent) -> None:
    """Put events into the books."""
    with all_tenants("tests"):
        write_events(events)


def drain(writer: UsageWriter) -> None:
    """Write until two looks in a row find nothing (the first may only prepare the group)."""
    idle = 0
    while idle < 2:
        idle = 0 if writer.run_once(5) else idle + 1


def _owner_fields(owner: Tenant | Caller | None) -> dict[str, Any]:
    if isinstance(owner, Tenant):
        return {"tenant_id": owner.pk, "tenant": owner.slug}
    if isinstance(owner, Caller):
        names = ("tenant_id", "project_id", "key_id")
        ids = {name: getattr(owner, name) for name in names}
        return {**ids, "tenant": owner.tenant_slug, "key": owner.key_name}
    return {}
