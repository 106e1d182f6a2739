"""Prompt templates with typed variables; versions are immutable and one of them is live."""

from typing import override

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.tenants.models import TenantOwnedModel


class PromptTemplate(TenantOwnedModel):
    """A named prompt; what it says is in its versions."""

    slug = models.SlugField(_("short name"), max_length=63)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    live_version = models.ForeignKey(
        "PromptVersion",
        verbose_name=_("live version"),
        # Not PROTECT: deleting the template deletes its versions with it.
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("prompt template")
        verbose_name_plural = _("prompt templates")
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("tenant", "slug"), name="prompt_slug_per_tenant"),
        )

    @override
    def __str__(self) -> str:
        return self.name


class PromptVersion(TenantOwnedModel):
    """What a template said at one time. Never changed after it was saved.

    `messages` is a list of `{"role": …, "text": …}`; `variables` a list of
    `{"name": …, "type": "text|number|boolean|list", "required": …, "default": …}`.
    """

    template = models.ForeignKey(
        PromptTemplate,
        verbose_name=_("prompt template"),
        on_delete=models.CASCADE,
        related_name="versions",
    )
    number = models.PositiveIntegerField(_("version"))
    messages = models.JSONField(_("messages"))
    variables = models.JSONField(_("variables"), default=list, blank=True)
    comment = models.CharField(_("comment"), max_length=200, blank=True)
    author_label = models.CharField(_("author"), max_length=255, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("prompt version")
        verbose_name_plural = _("prompt versions")
        ordering = ("template", "-number")
        constraints = (
            models.UniqueConstraint(fields=("template", "number"), name="prompt_version_number"),
        )

    @override
    def __str__(self) -> str:
        return f"{self.template} v{self.number}"
