"""Jobs and schedules in the admin."""

from apps.jobs.admin.jobs import JobAdmin
from apps.jobs.admin.schedules import PeriodicTaskAdmin

__all__ = ["JobAdmin", "PeriodicTaskAdmin"]
