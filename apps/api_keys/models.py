"""API keys: what our clients hold. Only a look-up prefix and an HMAC of the key are kept."""

from typing import override

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.api_keys.enums import Scope
from apps.tenants.models import Project, TenantOwnedModel


def default_scopes() -> list[str]:
    return [Scope.RUN.value, Scope.CONVERSATIONS.value, Scope.JOBS.value]


class ApiKey(TenantOwnedModel):
    """A client's key `llmr_<lookup>_<secret>`, with its scopes, limits and budget."""

    project = models.ForeignKey(
        Project, verbose_name=_("project"), on_delete=models.PROTECT, related_name="api_keys"
    )
    name = models.CharField(_("name"), max_length=120)
    lookup = models.CharField(_("prefix"), max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(
        models.CharField(max_length=20, choices=Scope.choices),
        verbose_name=_("scopes"),
        default=default_scopes,
    )
    tags = ArrayField(
        models.CharField(max_length=40), verbose_name=_("tags"), default=list, blank=True
    )
    allowed_models = ArrayField(
        models.CharField(max_length=120),
        verbose_name=_("allowed models"),
        default=list,
        blank=True,
        help_text=_("Empty: every model and alias of the tenant."),
    )
    requests_per_minute = models.PositiveIntegerField(
        _("requests per minute"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: no limit."),
    )
    monthly_budget = models.BigIntegerField(
        _("monthly budget (micro-dollars)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Empty: no limit. A request is refused when it could pass this amount."),
    )
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("name",)

    @override
    def __str__(self) -> str:
        return f"{self.name} (llmr_{self.lookup}_…)"
