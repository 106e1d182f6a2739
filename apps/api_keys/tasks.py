"""Scheduled work of the limits."""

from celery import shared_task

from apps.api_keys.orphans import settle_orphans


@shared_task(name="api_keys.settle_orphans")
def settle_orphaned_reservations() -> int:
    return settle_orphans()
