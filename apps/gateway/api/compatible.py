"""The compatible API under /v1/ and /v1beta/: one ninja API, a router per dialect."""

from ninja import NinjaAPI

from apps.core.errors import RouterError
from apps.gateway.api import anthropic, models, openai_chat, openai_embeddings
from apps.gateway.api.errors import defect, error_response

api = NinjaAPI(title="LLM Router, compatible APIs", version="1", docs_url=None, openapi_url=None)
api.exception_handler(RouterError)(error_response)
api.exception_handler(Exception)(defect)
api.add_router("", openai_chat.router)
api.add_router("", openai_embeddings.router)
api.add_router("", anthropic.router)
api.add_router("", models.router)
