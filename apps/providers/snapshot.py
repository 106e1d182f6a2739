"""The only mapper from the catalogue's tables to plain records, ready for JSON.

Runs in the owner's scope. Secrets stay sealed in the records; `open_connections` opens them, in
memory.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import structlog
from django.db.models import Q, QuerySet

from apps.core.clock import utc_now
from apps.core.crypto import DecryptionFailed, unseal
from apps.providers.adapters.base import Connection
from apps.providers.adapters.registry import EVERYTHING, WIRES
from apps.providers.credentials import PURPOSE
from apps.providers.enums import Support, Traffic
from apps.providers.models import Deployment, LlmModel, Price

log = structlog.get_logger(__name__)

type Prices = dict[str, int]
# From the best to the worst.
TRAFFIC_ORDER = (Traffic.ON, Traffic.DRAIN, Traffic.OFF)


def catalogue_records() -> dict[str, Any]:
    """Return every model of the catalogue by name."""
    models = LlmModel.objects.select_related("provider", "successor").order_by("name")
    return {model.name: _model_record(model) for model in models}


def deployment_records(tenant_id: UUID | None) -> list[dict[str, Any]]:
    """Return the owner's deployments with the prices in force for it now.

    The owner's own price wins over the platform's. One without any price is left out, because what
    it costs could not be reserved: `deployments_without_price` names it.
    """
    prices = _prices_in_force(tenant_id)
    deployments = list(_deployments(tenant_id))
    for deployment in deployments:
        if deployment.llm_model_id not in prices:
            log.warning("snapshot.deployment_without_price", deployment=deployment.name)
    return [
        _deployment_record(deployment, prices[deployment.llm_model_id])
        for deployment in deployments
        if deployment.llm_model_id in prices
    ]


def deployments_without_price(tenant_id: UUID | None) -> list[str]:
    """Name the owner's deployments that no release can hold, because their model has no price."""
    prices = _prices_in_force(tenant_id)
    return [item.name for item in _deployments(tenant_id) if item.llm_model_id not in prices]


def price_overrides(tenant_id: UUID) -> dict[str, Prices]:
    """Return the tenant's own prices in force now, by name of the model."""
    rows = _rows_in_force(Q(tenant_id=tenant_id))
    return {row.llm_model.name: _price_record(row) for row in rows}


def connection_records(tenant_id: UUID | None) -> dict[str, dict[str, Any]]:
    """Return how to reach the owner's deployments by id, with sealed secrets."""
    return {str(item.id): _connection_record(item) for item in _deployments(tenant_id)}


def open_connections(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Connection]:
    """Unseal the records in memory; one that cannot be opened is logged and left out."""
    opened = {}
    for deployment_id, record in records.items():
        try:
            opened[deployment_id] = open_connection(record)
        except DecryptionFailed as error:
            log.error("snapshot.credential_broken", deployment=deployment_id, error=str(error))
    return opened


def open_connection(record: Mapping[str, Any]) -> Connection:
    """Unseal one record; raises DecryptionFailed."""
    secret = ""
    if record["ciphertext"]:
        secret = unseal(
            record["ciphertext"],
            purpose=PURPOSE,
            tenant_id=UUID(record["tenant_id"]) if record["tenant_id"] else None,
            row_id=UUID(record["credential_id"]),
        )
    return Connection(
        adapter=record["adapter"],
        base_url=record["base_url"],
        upstream_model=record["upstream_model"],
        secret=secret,
        simulation=record["simulation"],
        # Releases of an older version do not know it.
        server_kind=record.get("server_kind", ""),
    )


def connection_of(deployment: Deployment) -> Connection:
    """Return how to reach a deployment that was just read; raises DecryptionFailed."""
    return open_connection(_connection_record(deployment))


def _deployments(tenant_id: UUID | None) -> QuerySet[Deployment]:
    rows: QuerySet[Deployment] = Deployment.objects.filter(tenant_id=tenant_id)
    return rows.select_related("llm_model__provider", "credential").order_by("name", "id")


def _model_record(model: LlmModel) -> dict[str, Any]:
    return {
        "provider": model.provider.slug,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "lifecycle": model.lifecycle,
        "capabilities": carried_capabilities(model),
        "traffic": model_traffic(model),
        "successor": model.successor.name if model.successor else "",
    }


def carried_capabilities(model: LlmModel) -> dict[str, str]:
    """Return the model's capabilities; what its provider's wire cannot carry is a no."""
    carried = WIRES[model.provider.adapter].carried
    lost = {name: str(Support.NO) for name in EVERYTHING - carried}
    return {**model.capabilities, **lost}


def _deployment_record(deployment: Deployment, prices: Prices) -> dict[str, Any]:
    return {
        "id": str(deployment.id),
        "name": deployment.name,
        "model": deployment.llm_model.name,
        "provider": deployment.llm_model.provider.slug,
        "region": deployment.region,
        "traffic": deployment_traffic(deployment),
        "data_classes": list(deployment.data_classes),
        "credential": str(deployment.credential_id or ""),
        "tokens_per_minute": deployment.tokens_per_minute,
        **prices,
    }


def model_traffic(model: LlmModel) -> str:
    """Return what the model gets: the worse of its own switch and its provider's."""
    return worst_traffic(model.traffic, model.provider.traffic)


def deployment_traffic(deployment: Deployment) -> str:
    """Return the worst of the switches of deployment, model and provider; a credential is one."""
    credential = deployment.credential
    if credential is not None and not credential.is_enabled:
        return Traffic.OFF.value
    return worst_traffic(deployment.traffic, model_traffic(deployment.llm_model))


def worst_traffic(*switches: str) -> str:
    """Return the switch that lets the least through."""
    return max(map(Traffic, switches), key=TRAFFIC_ORDER.index).value


def _connection_record(deployment: Deployment) -> dict[str, Any]:
    provider, credential = deployment.llm_model.provider, deployment.credential
    owner = credential.tenant_id if credential else None
    return {
        "adapter": provider.adapter,
        "base_url": deployment.base_url or provider.base_url,
        "upstream_model": deployment.upstream_model or deployment.llm_model.name,
        "simulation": deployment.simulation,
        "server_kind": provider.server_kind,
        "ciphertext": credential.ciphertext if credential else "",
        "tenant_id": str(owner) if owner else None,
        "credential_id": str(credential.id) if credential else None,
    }


def _prices_in_force(tenant_id: UUID | None) -> dict[UUID, Prices]:
    """Return the prices by id of the model; the tenant's own row wins over the platform's."""
    rows = sorted(
        _rows_in_force(Q(tenant_id=None) | Q(tenant_id=tenant_id)),
        key=lambda row: row.tenant_id is not None,
    )
    return {row.llm_model_id: _price_record(row) for row in rows}


def _rows_in_force(owners: Q) -> Iterable[Price]:
    rows: QuerySet[Price] = Price.objects.filter(owners, effective_from__lte=utc_now())
    return (
        rows.select_related("llm_model")
        .order_by("llm_model_id", "tenant_id", "-effective_from")
        .distinct("llm_model_id", "tenant_id")
    )


def _price_record(row: Price) -> Prices:
    """Return the four prices; where a cache price is not known, input is what such tokens cost."""
    cached, write = row.cached_input_price, row.cache_write_price
    return {
        "input_price": row.input_price,
        "output_price": row.output_price,
        "cached_input_price": row.input_price if cached is None else cached,
        "cache_write_price": row.input_price if write is None else write,
    }
