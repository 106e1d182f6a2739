"""`tenants/` (read only) and `projects/`."""

from apps.audit.api import ManagedViewSet, ReadOnlyManagedViewSet
from apps.tenants.api.serializers import ProjectSerializer, TenantSerializer
from apps.tenants.models import Project, Tenant


class TenantViewSet(ReadOnlyManagedViewSet):
    """The caller's own tenant."""

    model = Tenant
    serializer_class = TenantSerializer
    search_fields = ("name", "slug")
    ordering_fields = ("name", "created_at")


class ProjectViewSet(ManagedViewSet):
    """The tenant's projects."""

    model = Project
    serializer_class = ProjectSerializer
    search_fields = ("name", "slug")
    ordering_fields = ("name", "created_at")
