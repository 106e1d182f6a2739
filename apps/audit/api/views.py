"""`audit/`: the trail of the caller's tenant."""

from apps.audit.api.base import ReadOnlyManagedViewSet
from apps.audit.api.serializers import AuditEntrySerializer
from apps.audit.models import AuditEntry


class AuditEntryViewSet(ReadOnlyManagedViewSet):
    """Who changed what, newest first."""

    model = AuditEntry
    serializer_class = AuditEntrySerializer
    search_fields = ("actor_label", "action", "object_type", "object_id", "object_label")
    ordering_fields = ("at", "sequence")
