"""The catalogue: providers, LLM models, dated prices; credentials and deployments."""

from typing import override

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.providers.enums import Lifecycle, ServerKind, Traffic, wire_choices
from apps.tenants.models import TenantOrPlatformModel


class Provider(models.Model):
    """A vendor or server that speaks one wire; the platform's."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(_("short name"), max_length=63, unique=True)
    name = models.CharField(_("name"), max_length=120)
    adapter = models.CharField(_("wire"), max_length=20, choices=wire_choices)
    base_url = models.URLField(_("address"), blank=True)
    server_kind = models.CharField(
        _("kind of server"),
        max_length=20,
        choices=ServerKind.choices,
        blank=True,
        help_text=_("OpenAI's wire only. Empty: told by the address, else OpenAI's own."),
    )
    traffic = models.CharField(
        _("traffic"), max_length=10, choices=Traffic.choices, default=Traffic.ON
    )

    class Meta:
        verbose_name = _("provider")
        verbose_name_plural = _("providers")
        ordering = ("name",)

    @override
    def __str__(self) -> str:
        return self.name


class LlmModel(models.Model):
    """A model of the catalogue, named as clients name it; the platform's."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.ForeignKey(
        Provider, verbose_name=_("provider"), on_delete=models.PROTECT, related_name="models"
    )
    name = models.CharField(_("name"), max_length=120, unique=True)
    context_window = models.PositiveIntegerField(_("context window (tokens)"))
    max_output_tokens = models.PositiveIntegerField(_("largest output (tokens)"))
    capabilities = models.JSONField(
        _("capabilities"), default=dict, help_text=_("Each capability: yes, no or unknown.")
    )
    lifecycle = models.CharField(
        _("state"), max_length=20, choices=Lifecycle.choices, default=Lifecycle.ACTIVE
    )
    successor = models.ForeignKey(
        "self",
        verbose_name=_("successor"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    traffic = models.CharField(
        _("traffic"), max_length=10, choices=Traffic.choices, default=Traffic.ON
    )

    class Meta:
        verbose_name = _("LLM model")
        verbose_name_plural = _("LLM models")
        ordering = ("name",)

    @override
    def __str__(self) -> str:
        return self.name


class Price(TenantOrPlatformModel):
    """What a model costs from a date on, in micro-dollars per million tokens.

    A tenant's own row (its contract) wins over the platform's.
    """

    llm_model = models.ForeignKey(
        LlmModel, verbose_name=_("LLM model"), on_delete=models.CASCADE, related_name="prices"
    )
    effective_from = models.DateTimeField(_("effective from"))
    input_price = models.BigIntegerField(_("input"), validators=[MinValueValidator(0)])
    output_price = models.BigIntegerField(_("output"), validators=[MinValueValidator(0)])
    cached_input_price = models.BigIntegerField(
        _("cached input"), validators=[MinValueValidator(0)], null=True, blank=True
    )
    cache_write_price = models.BigIntegerField(
        _("cache write"), validators=[MinValueValidator(0)], null=True, blank=True
    )
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering = ("llm_model__name", "-effective_from")
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "llm_model", "effective_from"),
                name="price_once_per_moment",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(input_price__gte=0, output_price__gte=0),
                name="price_not_negative",
            ),
        )

    @override
    def __str__(self) -> str:
        return f"{self.llm_model} {self.effective_from:%Y-%m-%d}"


class Credential(TenantOrPlatformModel):
    """A provider's secret, sealed with AES-256-GCM for this row and tenant; never shown again."""

    provider = models.ForeignKey(
        Provider, verbose_name=_("provider"), on_delete=models.PROTECT, related_name="credentials"
    )
    name = models.CharField(_("name"), max_length=120)
    ciphertext = models.TextField(editable=False)
    last_four = models.CharField(_("last four"), max_length=4, editable=False)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    rotated_at = models.DateTimeField(_("rotated at"), null=True, editable=False)

    class Meta:
        verbose_name = _("provider credential")
        verbose_name_plural = _("provider credentials")
        ordering = ("provider__name", "name")

    @override
    def __str__(self) -> str:
        return f"{self.provider} / {self.name} (…{self.last_four})"


class Deployment(TenantOrPlatformModel):
    """One place where a model can be called: the unit that is balanced, ejected and billed."""

    name = models.CharField(_("name"), max_length=120)
    llm_model = models.ForeignKey(
        LlmModel, verbose_name=_("LLM model"), on_delete=models.PROTECT, related_name="deployments"
    )
    credential = models.ForeignKey(
        Credential,
        verbose_name=_("credential"),
        on_delete=models.PROTECT,
        related_name="deployments",
        null=True,
        blank=True,
    )
    upstream_model = models.CharField(
        _("name at the provider"),
        max_length=200,
        blank=True,
        help_text=_("Empty: the model's own name."),
    )
    base_url = models.URLField(
        _("address"),
        blank=True,
        help_text=_("Empty: the provider's address."),
    )
    region = models.CharField(_("region"), max_length=40, blank=True)
    data_classes = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("data classes"),
        default=list,
        blank=True,
        help_text=_("The kinds of data that it is cleared for, such as personal. With commas."),
    )
    traffic = models.CharField(
        _("traffic"), max_length=10, choices=Traffic.choices, default=Traffic.ON
    )
    tokens_per_minute = models.PositiveIntegerField(_("tokens per minute"), null=True, blank=True)
    simulation = models.JSONField(
        _("simulation"),
        default=dict,
        blank=True,
        help_text=_(
            "Built-in simulation only: latency_ms, failure_percent, failure_status,"
            " tokens_per_second, output_tokens."
        ),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("deployment")
        verbose_name_plural = _("deployments")
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "name"), name="deployment_name_per_owner", nulls_distinct=False
            ),
        )

    @override
    def __str__(self) -> str:
        return self.name
