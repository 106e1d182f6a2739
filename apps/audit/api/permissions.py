"""Who may call a management view: a key with its scope, or a person with the model's permission."""

from typing import Any, override

from django.db import models
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.core.scoping import current_scope

VERBS = {
    "GET": "view",
    "HEAD": "view",
    "OPTIONS": "view",
    "POST": "add",
    "PUT": "change",
    "PATCH": "change",
    "DELETE": "delete",
}


def is_api_key(credential: Any) -> bool:
    """Tell whether DRF's `request.auth` is an API key."""
    return hasattr(credential, "key_id") and hasattr(credential, "key_name")


class ScopeOrRole(BasePermission):
    """Keys need the view's `scope`; people need the model's permission by their role.

    A view names the permission of an extra action in `action_permissions`.
    """

    @override
    def has_permission(self, request: Request, view: Any) -> bool:
        key: Any = request.auth
        if is_api_key(key):
            return view.scope in key.scopes
        return request.user.is_authenticated and request.user.has_perm(_permission(request, view))

    @override
    def has_object_permission(self, request: Request, view: Any, obj: models.Model) -> bool:
        if VERBS[request.method or "GET"] == "view":
            return True
        if getattr(obj, "tenant_id", "") is None and not current_scope().is_platform:
            return False
        if is_api_key(request.auth):
            return True
        return request.user.has_perm(_permission(request, view), obj)


def _permission(request: Request, view: Any) -> str:
    named: str | None = view.action_permissions.get(view.action)
    options = view.model._meta
    verb = VERBS[request.method or "GET"]
    return named or f"{options.app_label}.{verb}_{options.model_name}"
