"""`GET /v1/models` and its single records: what a key may ask for, in the caller's dialect.

All three vendors list their models, and two of them at the same address: `dialect_of` tells whose
client asks. The handlers can be mounted under any version of an API.
"""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from ninja import Router

from apps.core.chat import Dialect
from apps.core.errors import ModelNotFound
from apps.gateway.api.answering import json_response
from apps.gateway.api.dialects import dialect_of
from apps.gateway.authentication import caller_of
from apps.gateway.wire.model_lists import ANTHROPIC, GEMINI, OPENAI, ListedModel, ModelLists
from apps.routing.engine.filters import models_behind
from apps.routing.engine.request_router import usable_models
from apps.routing.engine.types import Snapshot
from apps.routing.snapshot_store import snapshot_store

# Who owns an alias.
ROUTER = "router"
LISTS: Mapping[Dialect, ModelLists] = {
    "openai.chat": OPENAI,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
}

router = Router()


@router.get("/models")
async def models(request: HttpRequest) -> HttpResponse:
    """List what the key may ask for."""
    listed = await _listed(request)
    return json_response(_lists_for(request).render_all(listed, request.GET))


@router.get("/models/{path:name}")
async def model(request: HttpRequest, name: str) -> HttpResponse:
    """Describe one of them."""
    for one in await _listed(request):
        if one.name == name:
            return json_response(_lists_for(request).render_one(one))
    raise ModelNotFound(f"there is no model {name!r} for this API key", param="model")


def _lists_for(request: HttpRequest) -> ModelLists:
    return LISTS.get(dialect_of(request), OPENAI)


async def _listed(request: HttpRequest) -> list[ListedModel]:
    caller = await caller_of(request)
    snapshot = (await snapshot_store().pin(caller.tenant_id)).snapshot
    names = usable_models(caller.allowed_models, snapshot)
    return [_listed_model(name, snapshot) for name in names]


def _listed_model(name: str, snapshot: Snapshot) -> ListedModel:
    behind = next(iter(models_behind(name, snapshot)), name)
    found = snapshot.models.get(behind)
    if found is None:
        return ListedModel(name, ROUTER)
    return ListedModel(
        name=name,
        owner=found.provider if name == behind else ROUTER,
        lifecycle=found.lifecycle,
        context_window=found.context_window,
        max_output_tokens=found.max_output_tokens,
        makes_vectors=found.capabilities.get("embeddings") == "yes",
    )
