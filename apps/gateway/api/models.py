"""`GET /v1/models` and its single records: what a key may ask for, in the caller's dialect."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from apps.core.errors import ModelNotFound
from apps.gateway.api.answering import json_response
from apps.gateway.authentication import caller_of
from apps.routing.engine.request_router import usable_models
from apps.routing.snapshot_store import snapshot_store

router = Router()


@router.get("/models")
async def models(request: HttpRequest) -> HttpResponse:
    """List what the key may ask for."""
    return json_response({"object": "list", "data": await _models(request)})


@router.get("/models/{path:name}")
async def model(request: HttpRequest, name: str) -> HttpResponse:
    """Describe one of them."""
    for record in await _models(request):
        if record["id"] == name:
            return json_response(record)
    raise ModelNotFound(f"there is no model {name!r} for this API key", param="model")


async def _models(request: HttpRequest) -> list[dict[str, Any]]:
    caller = await caller_of(request)
    snapshot = (await snapshot_store().pin(caller.tenant_id)).snapshot
    names = usable_models(caller.allowed_models, snapshot)
    owners = {name: snapshot.models[name].provider for name in names if name in snapshot.models}
    return [
        {"id": name, "object": "model", "created": 0, "owned_by": owners.get(name, "router")}
        for name in names
    ]
