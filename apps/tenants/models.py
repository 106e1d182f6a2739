"""Tenants, their projects, and the base class of everything that a tenant owns."""

from typing import Any, override

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.core.scoping import SharedTenantManager, TenantManager, current_scope


class TenantQueryManager(TenantManager["Tenant"]):
    """A tenant in scope sees itself; the column is `id`, not `tenant_id`."""

    @override
    def get_queryset(self) -> models.QuerySet["Tenant"]:
        scope = current_scope()
        rows = models.QuerySet["Tenant"](self.model, using=self._db)
        return rows if scope.tenant_id is None else rows.filter(id=scope.tenant_id)


class Tenant(models.Model):
    """A customer: the border that no data crosses."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(_("short name"), max_length=63, unique=True)
    name = models.CharField(_("name"), max_length=120)
    is_active = models.BooleanField(_("active"), default=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = TenantQueryManager()

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")
        ordering = ("name",)

    @override
    def __str__(self) -> str:
        return self.name


class TenantOwnedModel(models.Model):
    """A row that belongs to exactly one tenant."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.CASCADE, related_name="+"
    )

    objects: TenantManager[Any] = TenantManager()

    class Meta:
        abstract = True


class TenantOrPlatformModel(models.Model):
    """A row of one tenant, or of the platform (tenant null), which every tenant may read."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant,
        verbose_name=_("tenant"),
        on_delete=models.CASCADE,
        related_name="+",
        null=True,
        blank=True,
        help_text=_("Empty: it belongs to the platform and every tenant may use it."),
    )

    objects: TenantManager[Any] = SharedTenantManager()

    class Meta:
        abstract = True


class Project(TenantOwnedModel):
    """A tenant's unit of work: keys, spend and content policy hang on it."""

    slug = models.SlugField(_("short name"), max_length=63)
    name = models.CharField(_("name"), max_length=120)
    is_active = models.BooleanField(_("active"), default=True)
    store_content = models.BooleanField(
        _("store content"),
        default=False,
        help_text=_("Keep conversations and job results, encrypted. Off: they are refused."),
    )
    allowed_regions = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("allowed regions"),
        default=list,
        blank=True,
        help_text=_("Only deployments in one of them may answer. Empty: any. With commas."),
    )
    data_class = models.CharField(
        _("data class"),
        max_length=40,
        blank=True,
        help_text=_("Only deployments that are cleared for it may answer. Empty: any."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("tenant", "slug"), name="project_slug_per_tenant"),
        )

    @override
    def __str__(self) -> str:
        return self.name
