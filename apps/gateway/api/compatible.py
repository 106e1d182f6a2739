"""The compatible APIs: every dialect under /v1/, Google's under /v1beta/ too."""

from ninja import NinjaAPI, Router

from apps.core.errors import RouterError
from apps.gateway.api import (
    anthropic,
    gemini,
    models,
    openai_chat,
    openai_embeddings,
    openai_responses,
)
from apps.gateway.api.errors import defect, error_response

TITLE = "LLM Router, compatible APIs"


def _open_api(version: str, *routers: Router) -> NinjaAPI:
    api = NinjaAPI(title=TITLE, version=version, docs_url=None, openapi_url=None)
    api.exception_handler(RouterError)(error_response)
    api.exception_handler(Exception)(defect)
    for router in routers:
        api.add_router("", router)
    return api


# Gemini's actions first: the address of a single model would swallow them.
v1 = _open_api(
    "1",
    openai_chat.router,
    openai_embeddings.router,
    openai_responses.router,
    anthropic.router,
    gemini.router,
    models.router,
)
v1beta = _open_api("1beta", gemini.router, models.router)
