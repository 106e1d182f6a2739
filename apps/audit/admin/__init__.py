"""The base of every admin page, and the trail's own page."""

from apps.audit.admin.base import AuditedModelAdmin, ReadOnlyModelAdmin
from apps.audit.admin.entries import AuditEntryAdmin
from apps.audit.admin.inlines import AuditedStackedInline, AuditedTabularInline

__all__ = [
    "AuditEntryAdmin",
    "AuditedModelAdmin",
    "AuditedStackedInline",
    "AuditedTabularInline",
    "ReadOnlyModelAdmin",
]
