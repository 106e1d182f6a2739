"""Scheduled work of routing: a Redis that was emptied gets its snapshots back."""

from celery import shared_task

from apps.core.scoping import all_tenants
from apps.routing import route_manager
from apps.tenants.models import Tenant


@shared_task(name="routing.restore_snapshots")
def restore_snapshots() -> int:
    """Put lost snapshots back; returns how many there were."""
    with all_tenants("restore snapshots"):
        owners = [None, *Tenant.objects.values_list("id", flat=True)]
        return sum(route_manager.restore(owner) for owner in owners)
