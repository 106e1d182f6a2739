"""API keys in DRF's synchronous views: the key becomes `request.auth`, a Caller."""

from typing import override

from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.api_keys.lookup import authenticate
from apps.api_keys.types import Caller

SCHEME = "Bearer "


class ApiKeyAuthentication(BaseAuthentication):
    """Reads `Authorization: Bearer llmr_…`; raises AuthenticationFailed for a wrong key."""

    @override
    def authenticate(self, request: Request) -> tuple[AnonymousUser, Caller] | None:
        header = request.headers.get("Authorization", "")
        if not header.startswith(SCHEME):
            return None
        caller = async_to_sync(authenticate)(header.removeprefix(SCHEME).strip())
        return AnonymousUser(), caller

    @override
    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """Names the credential in the OpenAPI schema."""

    target_class = "apps.api_keys.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    @override
    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "llmr_…"}
