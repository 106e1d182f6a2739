"""Finding out who acts in a request."""

from typing import Any

from apps.audit.types import SYSTEM, Actor


def actor_of(request: Any) -> Actor:
    """Return the author of a Django or DRF request: its API key, else its signed-in user."""
    address = request.META.get("REMOTE_ADDR") or None
    key: Any = getattr(request, "auth", None)
    if hasattr(key, "key_id") and hasattr(key, "key_name"):
        return Actor("api_key", str(key.key_id), key.key_name, address)
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return Actor("user", str(user.pk), str(user), address)
    return SYSTEM
