"""Jobs in the admin."""

from apps.jobs.admin.jobs import JobAdmin

__all__ = ["JobAdmin"]
