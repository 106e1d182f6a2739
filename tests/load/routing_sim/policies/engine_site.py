"""A simulated fleet as published records: one model, one rule, a provider for each deployment."""

from collections.abc import Sequence
from typing import Any

from apps.routing.engine.compile import compile_snapshot
from apps.routing.engine.types import HealthEvent, RequestFacts, Snapshot
from tests.engine.records import (
    deployment_record,
    make_facts,
    model_record,
    platform_records,
    rule_record,
    tenant_records,
)
from tests.load.routing_sim.world import Deployment, Outcome, Request

MODEL = "group"
MICRO = 1_000_000
NOTHING_YET = Outcome("ok", 0.0)


def fleet_snapshot(fleet: Sequence[Deployment], price_weight: int) -> Snapshot:
    """Return the snapshot whose only rule balances adaptively over the whole fleet."""
    deployments = [
        deployment_record(
            item.id,
            MODEL,
            provider=item.id,
            tokens_per_minute=item.tpm,
            input_price=round(item.price_in * MICRO),
            output_price=round(item.price_out * MICRO),
            cached_input_price=round(item.price_in * MICRO),
            cache_write_price=round(item.price_in * MICRO),
        )
        for item in fleet
    ]
    rule = rule_record(targets=[MODEL], strategy="adaptive", price_weight=price_weight)
    platform = platform_records(models={MODEL: model_record()}, deployments=deployments)
    return compile_snapshot(platform, tenant_records(granted=[MODEL], rules=[rule]))


def facts_of(now: float, request: Request, tried: tuple[str, ...]) -> RequestFacts:
    """Return what a router may know of a simulated request."""
    return make_facts(
        requested_model=MODEL,
        prompt_tokens=request.prompt_tokens,
        max_output_tokens=request.max_tokens,
        now_ms=round(now * 1000),
        arrived_ms=round(request.at * 1000),
        tried_deployments=tried,
    )


def event_of(
    now: float,
    deployment: Deployment,
    request: Request,
    kind: Any,
    *,
    tokens: float = 0.0,
    outcome: Outcome = NOTHING_YET,
) -> HealthEvent:
    """Return what happened to a simulated call as the engine hears of it."""
    return HealthEvent(
        deployment.id,
        kind,
        round(now * 1000),
        call_id=str(request.id),
        provider=deployment.id,
        elapsed_ms=outcome.latency * 1000,
        ttft_ms=(outcome.ttft or 0.0) * 1000,
        retry_after_ms=round((outcome.retry_after or 0.0) * 1000),
        output_tokens=outcome.output_tokens,
        tokens=tokens,
        tokens_per_minute=deployment.tpm,
    )
