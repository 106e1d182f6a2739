"""Rule sets, their rules, targets and calendars, model aliases, grants, immutable releases."""

from typing import override

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.api_keys.models import ApiKey
from apps.providers.models import LlmModel
from apps.routing.enums import ReleaseState, RuleAction
from apps.routing.rule_settings import RuleChoice, RuleEffects
from apps.tenants.models import Project, TenantOrPlatformModel, TenantOwnedModel


class RuleSet(TenantOrPlatformModel):
    """The draft that people edit; what runs is the last release.

    Scope: a platform set (tenant null) is global, and comes before everybody's when it is locked; a
    tenant's set serves the whole tenant, one project when `project` is set, one key when `api_key`
    is set.
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
    api_key = models.ForeignKey(
        ApiKey,
        verbose_name=_("API key"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="rule_sets",
        help_text=_("Only requests of this key; such rules come before those of its project."),
    )
    is_locked = models.BooleanField(
        _("locked"),
        default=False,
        help_text=_("The platform's only: these rules come before those of every tenant."),
    )
    is_enabled = models.BooleanField(_("enabled"), default=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("rule set")
        verbose_name_plural = _("rule sets")
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(is_locked=False) | models.Q(tenant=None),
                name="locked_rules_are_the_platforms",
                violation_error_message=_("Only the platform's rule sets can be locked."),
            ),
            models.CheckConstraint(
                condition=models.Q(project=None) | models.Q(api_key=None),
                name="rule_set_of_key_or_project",
                violation_error_message=_("Choose a project or an API key, not both."),
            ),
        )

    @override
    def __str__(self) -> str:
        return self.name


class Rule(RuleChoice, RuleEffects, TenantOrPlatformModel):
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
    is_default = models.BooleanField(
        _("pinned default"),
        default=False,
        help_text=_("Comes after every other rule and has no condition; one for each rule set."),
    )
    active_from = models.DateTimeField(
        _("active from"), null=True, blank=True, help_text=_("Empty: as soon as it is published.")
    )
    active_until = models.DateTimeField(
        _("active until"), null=True, blank=True, help_text=_("Empty: for good.")
    )

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ("rule_set", "position")
        constraints = (
            models.UniqueConstraint(
                fields=("rule_set",),
                condition=models.Q(is_default=True),
                name="one_default_per_rule_set",
                violation_error_message=_("The rule set has a pinned default already."),
            ),
        )

    @override
    def __str__(self) -> str:
        return self.name


class RuleTarget(TenantOrPlatformModel):
    """A model that a rule routes to; tried in order, or drawn by weight."""

    rule = models.ForeignKey(
        Rule, verbose_name=_("rule"), on_delete=models.CASCADE, related_name="targets"
    )
    position = models.PositiveIntegerField(_("order"), default=0)
    llm_model = models.ForeignKey(
        LlmModel, verbose_name=_("LLM model"), on_delete=models.PROTECT, related_name="+"
    )
    weight = models.PositiveIntegerField(
        _("weight"), default=1, help_text=_("Counts when the strategy splits by weight.")
    )

    class Meta:
        verbose_name = _("target")
        verbose_name_plural = _("targets")
        ordering = ("rule", "position")

    @override
    def __str__(self) -> str:
        return str(self.llm_model)


class HolidayCalendar(TenantOrPlatformModel):
    """Days that rules call holidays: a country's own, with some added and some taken out.

    A tenant's own calendar wins over the platform's of the same name.
    """

    name = models.CharField(
        _("name"), max_length=63, help_text=_("Conditions call the calendar by this name.")
    )
    country = models.CharField(
        _("country"), max_length=2, blank=True, help_text=_("Two letters, such as BR.")
    )
    subdivision = models.CharField(
        _("state or region"),
        max_length=12,
        blank=True,
        help_text=_("The code of the subdivision, such as SP. Empty: the whole country's days."),
    )
    extra_dates = ArrayField(
        models.DateField(), verbose_name=_("days to add"), default=list, blank=True
    )
    removed_dates = ArrayField(
        models.DateField(), verbose_name=_("days to take out"), default=list, blank=True
    )

    class Meta:
        verbose_name = _("holiday calendar")
        verbose_name_plural = _("holiday calendars")
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "name"), name="calendar_name_per_owner", nulls_distinct=False
            ),
        )

    @override
    def __str__(self) -> str:
        return self.name


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
