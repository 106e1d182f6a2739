"""What a rule may set, as columns: which model of several, and limits for the request."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.prompts.models import PromptTemplate
from apps.routing.enums import Affinity, OnContentFilter, OnUnsupported, Strategy, Unit

LONGEST_CACHE_SECONDS = 86_400
MOST_ATTEMPTS = 5
BALANCED = 50
LONGEST_TAG = 40
LONGEST_REGION = 40


class RuleChoice(models.Model):
    """How a rule chooses among its targets, and its experiment."""

    strategy = models.CharField(
        _("strategy"),
        max_length=20,
        choices=Strategy.choices,
        default=Strategy.PRIORITY,
        help_text=_("How one of the targets is chosen."),
    )
    price_weight = models.PositiveSmallIntegerField(
        _("speed or price"),
        default=BALANCED,
        validators=[MaxValueValidator(100)],
        help_text=_("0: only speed counts; 50: balanced; 100: price counts most."),
    )
    affinity = models.CharField(
        _("stickiness"),
        max_length=20,
        choices=Affinity.choices,
        default=Affinity.NONE,
        blank=True,
        help_text=_("Where the provider's own cache helps, staying is worth something."),
    )
    arms = models.JSONField(
        _("arms of the experiment"),
        default=list,
        blank=True,
        help_text=_(
            "Each arm has a name, a weight in percent and its models in order. The targets have"
            " the rest of the traffic, and are tried when an arm's models cannot answer."
        ),
    )
    unit = models.CharField(
        _("unit of the draw"),
        max_length=20,
        choices=Unit.choices,
        default=Unit.REQUEST,
        help_text=_("What is drawn for an arm or a weighted split."),
    )

    class Meta:
        abstract = True


class RuleEffects(models.Model):
    """What a rule sets besides its targets; empty means that it does not say."""

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
    parameters = models.JSONField(
        _("parameters"),
        default=dict,
        blank=True,
        help_text=_(
            "Set in place of the caller's: temperature, top_p, frequency_penalty,"
            " presence_penalty, reasoning_effort, seed."
        ),
    )
    add_tags = ArrayField(
        models.CharField(max_length=LONGEST_TAG),
        verbose_name=_("tags to add"),
        default=list,
        blank=True,
        help_text=_("Later rules and reports can read them. With commas."),
    )
    regions = ArrayField(
        models.CharField(max_length=LONGEST_REGION),
        verbose_name=_("allowed regions"),
        default=list,
        blank=True,
        help_text=_("Only deployments in one of them. Empty: any. With commas."),
    )
    data_class = models.CharField(
        _("data class"),
        max_length=40,
        blank=True,
        help_text=_("Only deployments that are cleared for it. Empty: any."),
    )
    price_cap = models.BigIntegerField(
        _("price cap"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Micro-dollars per million tokens, for the dearer of input and output."),
    )
    latency_cap_ms = models.PositiveIntegerField(
        _("latency cap (ms)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Only deployments whose first token lately came within it."),
    )
    allow_unknown = models.BooleanField(
        _("allow unproven models"),
        default=False,
        help_text=_("Also models of which nobody knows whether they can do what is needed."),
    )
    first_token_timeout_ms = models.PositiveIntegerField(
        _("wait for the first token (ms)"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    total_timeout_ms = models.PositiveIntegerField(
        _("wait for the whole answer (ms)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("All attempts together."),
    )
    max_attempts = models.PositiveSmallIntegerField(
        _("most attempts"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_ATTEMPTS)],
        help_text=_("1 to 5. Empty: the server's own limit."),
    )
    on_content_filter = models.CharField(
        _("when a provider's filter refuses"),
        max_length=20,
        choices=OnContentFilter.choices,
        default=OnContentFilter.DEFAULT,
        blank=True,
    )
    on_unsupported = models.CharField(
        _("when a provider cannot take a field of the request"),
        max_length=20,
        choices=OnUnsupported.choices,
        default=OnUnsupported.DEFAULT,
        blank=True,
        help_text=_("Usually it is left out, and the answer names it."),
    )

    class Meta:
        abstract = True
