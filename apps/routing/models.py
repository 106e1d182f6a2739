"""Rule sets, their rules and targets, model aliases, grants, and immutable releases."""

from typing import override

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.prompts.models import PromptTemplate
from apps.providers.models import LlmModel
from apps.routing.enums import ReleaseState, RuleAction
from apps.tenants.models import Project, TenantOrPlatformModel, TenantOwnedModel

LONGEST_CACHE_SECONDS = 86_400


class RuleSet(TenantOrPlatformModel):
    """The draft that people edit; what runs is the last release.

    Scope: a platform set (tenant null) is global; a tenant's set serves the whole tenant, or one
    project when `project` is set.
    """

    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    project = models.ForeignKey(
        Project,
        verbose_name=_("project"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="rule_sets",
        help_text=_("Empty: the rules serve every project of the tenant."),
    )
    is_enabled = models.BooleanField(_("enabled"), default=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("rule set")
        verbose_name_plural = _("rule sets")
        ordering = ("name",)

    @override
    def __str__(self) -> str:
        return self.name


class Rule(TenantOrPlatformModel):
    """One business rule: when the conditions hold, do the action. First match wins.

    `conditions` is a tree `{"all"|"any"|"none": [clause or tree, …]}` whose clauses are
    `{"field": …, "operator": …, "value": …}`; an empty object matches every request.
    """

    rule_set = models.ForeignKey(
        RuleSet, verbose_name=_("rule set"), on_delete=models.CASCADE, related_name="rules"
    )
    position = models.PositiveIntegerField(_("order"), default=0, db_index=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("why"), blank=True)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    conditions = models.JSONField(_("conditions"), default=dict, blank=True)
    action = models.CharField(
        _("action"), max_length=20, choices=RuleAction.choices, default=RuleAction.ROUTE
    )
    reject_message = models.CharField(_("message to the caller"), max_length=300, blank=True)
    prompt_template = models.ForeignKey(
        PromptTemplate,
        verbose_name=_("prompt template"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Its messages are put before the caller's."),
    )
    max_output_tokens = models.PositiveIntegerField(
        _("cap on output tokens"), null=True, blank=True
    )
    cache_seconds = models.PositiveIntegerField(
        _("answer cache (seconds)"),
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(LONGEST_CACHE_SECONDS)],
        help_text=_("0: off. Same request, same tenant: answered from the cache."),
    )

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ("rule_set", "position")

    @override
    def __str__(self) -> str:
        return self.name


class RuleTarget(TenantOrPlatformModel):
    """A model that a rule routes to; tried in order."""

    rule = models.ForeignKey(
        Rule, verbose_name=_("rule"), on_delete=models.CASCADE, related_name="targets"
    )
    position = models.PositiveIntegerField(_("order"), default=0)
    llm_model = models.ForeignKey(
        LlmModel, verbose_name=_("LLM model"), on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("target")
        verbose_name_plural = _("targets")
        ordering = ("rule", "position")

    @override
    def __str__(self) -> str:
        return str(self.llm_model)


class ModelAlias(TenantOwnedModel):
    """A tenant's own name for models, so that clients never name vendors; tried in order."""

    name = models.CharField(_("name"), max_length=120)

    class Meta:
        verbose_name = _("model alias")
        verbose_name_plural = _("model aliases")
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("tenant", "name"), name="alias_name_per_tenant"),
        )

    @override
    def __str__(self) -> str:
        return self.name


class AliasTarget(TenantOwnedModel):
    """A model behind an alias; tried in order."""

    alias = models.ForeignKey(
        ModelAlias, verbose_name=_("model alias"), on_delete=models.CASCADE, related_name="targets"
    )
    position = models.PositiveIntegerField(_("order"), default=0)
    llm_model = models.ForeignKey(
        LlmModel, verbose_name=_("LLM model"), on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("alias target")
        verbose_name_plural = _("alias targets")
        ordering = ("alias", "position")

    @override
    def __str__(self) -> str:
        return str(self.llm_model)


class Grant(TenantOwnedModel):
    """The platform's leave for a tenant to use one of the platform's models."""

    llm_model = models.ForeignKey(
        LlmModel, verbose_name=_("LLM model"), on_delete=models.CASCADE, related_name="grants"
    )

    class Meta:
        verbose_name = _("model grant")
        verbose_name_plural = _("model grants")
        constraints = (models.UniqueConstraint(fields=("tenant", "llm_model"), name="grant_once"),)

    @override
    def __str__(self) -> str:
        return f"{self.tenant}: {self.llm_model}"


class Release(TenantOrPlatformModel):
    """What was published: an immutable snapshot with a version that only grows.

    One line of versions per tenant, and one for the platform (tenant null).
    """

    version = models.PositiveBigIntegerField(_("version"))
    state = models.CharField(
        _("state"), max_length=20, choices=ReleaseState.choices, default=ReleaseState.LIVE
    )
    snapshot = models.JSONField(_("snapshot"))
    comment = models.CharField(_("comment"), max_length=300, blank=True)
    published_by = models.CharField(_("published by"), max_length=255)
    published_at = models.DateTimeField(_("published at"), auto_now_add=True)

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        permissions = (("publish_release", _("Can publish and roll back")),)
        ordering = ("-version",)
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "version"), name="release_version", nulls_distinct=False
            ),
        )

    @override
    def __str__(self) -> str:
        return f"v{self.version}"
