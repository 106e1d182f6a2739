"""The base of every management API, and the trail's own."""

from apps.audit.api.base import ManagedViewSet, ReadOnlyManagedViewSet
from apps.audit.api.permissions import ScopeOrRole

__all__ = ["ManagedViewSet", "ReadOnlyManagedViewSet", "ScopeOrRole"]
