"""Connection tests: one short question through the deployment's own adapter."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.core.chat import ChatRequest, Message
from apps.core.clock import monotonic_seconds
from apps.core.crypto import DecryptionFailed
from apps.core.errors import InvalidRequest
from apps.core.ids import new_id, public_id
from apps.core.outbound import check_destination
from apps.providers.adapters.base import AttemptError, Connection, ProviderCall, Timeouts
from apps.providers.adapters.registry import adapter_for, close_adapters
from apps.providers.models import Deployment
from apps.providers.snapshot import connection_of

# Reasoning models refuse limits below this many tokens.
PROBE_TOKENS = 16
PROBE_TIMEOUTS = Timeouts(connect=3.0, first_token=15.0, idle=15.0, total=15.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test; `message` is safe to show and empty when it went well."""

    is_working: bool
    milliseconds: int
    message: str = ""


def probe_deployments(deployments: Sequence[Deployment]) -> dict[str, Outcome]:
    """Test deployments side by side, from synchronous code; outcomes by id."""
    outcomes, ready = {}, {}
    for deployment in deployments:
        try:
            ready[str(deployment.id)] = _checked(connection_of(deployment))
        except (DecryptionFailed, InvalidRequest) as error:
            outcomes[str(deployment.id)] = Outcome(False, 0, str(error))
    return outcomes | (asyncio.run(_probe_all(ready)) if ready else {})


async def probe(connection: Connection) -> Outcome:
    """Ask one short question; never raises for what the provider does."""
    request = ChatRequest(
        model=connection.upstream_model, messages=(Message("user", "Say: ok"),), dialect="router"
    )
    request_id = public_id("req", new_id())
    call = ProviderCall(request, connection, PROBE_TOKENS, PROBE_TIMEOUTS, request_id)
    started = monotonic_seconds()
    try:
        await adapter_for(connection.adapter).complete(call)
    except AttemptError as error:
        return Outcome(False, _since(started), error.message)
    return Outcome(True, _since(started))


async def _probe_all(connections: Mapping[str, Connection]) -> dict[str, Outcome]:
    try:
        outcomes = await asyncio.gather(*(probe(item) for item in connections.values()))
    finally:
        await close_adapters()
    return dict(zip(connections, outcomes, strict=True))


def _checked(connection: Connection) -> Connection:
    if connection.base_url:
        check_destination(connection.base_url, param="base_url")
    return connection


def _since(started: float) -> int:
    return round((monotonic_seconds() - started) * 1000)
