"""The audit trail: append-only, hash-chained, outliving what it names (ids and labels, no keys)."""

from typing import Any, override

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.core.scoping import TenantManager


class AuditEntry(models.Model):
    """One act of one person, key or process. `digest` covers the row and the digest before it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sequence = models.BigIntegerField(_("sequence"))
    at = models.DateTimeField(_("at"))
    tenant_id = models.UUIDField(_("tenant"), null=True, db_index=True)
    actor_kind = models.CharField(_("actor kind"), max_length=20)
    actor_id = models.CharField(_("actor id"), max_length=64, blank=True)
    actor_label = models.CharField(_("actor"), max_length=255)
    action = models.CharField(_("action"), max_length=64, db_index=True)
    object_type = models.CharField(_("object type"), max_length=64)
    object_id = models.CharField(_("object id"), max_length=64, db_index=True)
    object_label = models.CharField(_("object"), max_length=255)
    changes = models.JSONField(_("changes"), default=dict)
    reason = models.TextField(_("reason"), blank=True)
    address = models.GenericIPAddressField(_("address"), null=True)
    previous_digest = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    # Not the shared kind: what platform staff did is not the tenants' to read.
    objects: TenantManager[Any] = TenantManager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ("-at", "-sequence")
        constraints = (
            models.UniqueConstraint(
                fields=("tenant_id", "sequence"), name="audit_sequence", nulls_distinct=False
            ),
        )

    @override
    def __str__(self) -> str:
        return f"{self.actor_label}: {self.action} {self.object_label}"
