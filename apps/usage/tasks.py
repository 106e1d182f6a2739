"""Scheduled work of the books."""

import datetime as dt

from celery import shared_task

from apps.core.clock import utc_now
from apps.core.scoping import all_tenants
from apps.usage.ledger import ensure_partitions

DAYS_AHEAD = 7


@shared_task(name="usage.prepare_partitions")
def prepare_partitions() -> None:
    """Make the partitions of the coming days, so that midnight finds them ready."""
    today = utc_now().date()
    with all_tenants("usage partitions"):
        ensure_partitions(today + dt.timedelta(days=ahead) for ahead in range(DAYS_AHEAD))
