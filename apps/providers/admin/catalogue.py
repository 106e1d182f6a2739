"""Providers, LLM models and prices: the platform's, with price overrides of tenants."""

from typing import Any, override

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.audit.admin import AuditedModelAdmin, AuditedTabularInline
from apps.audit.forms import TenantModelForm
from apps.providers.admin.money import PRICE_FIELDS, UsdField, shown_price
from apps.providers.admin.traffic import TRAFFIC_COLOURS, TrafficActionsMixin, shown_traffic
from apps.providers.deployments import address_fault
from apps.providers.enums import Capability, Support
from apps.providers.models import LlmModel, Price, Provider
from apps.providers.snapshot import model_traffic

PER_MILLION = _("US dollars per million tokens.")


class ProviderForm(TenantModelForm):
    """Checks a changed address against the policy for outbound calls."""

    def clean_base_url(self) -> str:
        base_url: str = self.cleaned_data["base_url"]
        if base_url and "base_url" in self.changed_data and (fault := address_fault(base_url)):
            raise forms.ValidationError(fault)
        return base_url


@admin.register(Provider)
class ProviderAdmin(TrafficActionsMixin, AuditedModelAdmin):
    """Vendors and servers."""

    form = ProviderForm
    list_display = ("name", "slug", "adapter", "base_url", "state")
    list_filter = ("adapter", "traffic")
    search_fields = ("name", "slug")
    empty_list_text = _("A provider is a vendor, or a server of yours that speaks OpenAI's wire.")
    fields = ("name", "slug", "adapter", "base_url", "server_kind", "traffic")
    readonly_fields = ("traffic",)

    @display(description=_("state"), ordering="traffic", label=TRAFFIC_COLOURS)
    def state(self, provider: Provider) -> tuple[str, Any]:
        return shown_traffic(provider.traffic)


# What those who may not change a price see of it.
SHOWN_PRICES = {name: name.replace("_price", "_usd") for name in PRICE_FIELDS}


class PricesInDollars:
    """Shows and takes the four prices in dollars per million tokens."""

    readonly_fields = tuple(SHOWN_PRICES.values())

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        page: Any = super()
        fields = page.get_fields(request, obj)
        if obj is None or page.has_change_permission(request, obj):
            return fields
        return [SHOWN_PRICES.get(name, name) for name in fields]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in PRICE_FIELDS:
            return db_field.formfield(
                form_class=UsdField, required=not db_field.null, help_text=PER_MILLION, initial=None
            )
        parent: Any = super()
        return parent.formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description=_("input (US$ per million)"), ordering="input_price")
    def input_usd(self, price: Price) -> str:
        return shown_price(price.input_price)

    @admin.display(description=_("output (US$ per million)"), ordering="output_price")
    def output_usd(self, price: Price) -> str:
        return shown_price(price.output_price)

    @admin.display(description=_("cached input (US$ per million)"))
    def cached_input_usd(self, price: Price) -> str:
        return shown_price(price.cached_input_price)

    @admin.display(description=_("cache write (US$ per million)"))
    def cache_write_usd(self, price: Price) -> str:
        return shown_price(price.cache_write_price)


class PriceInline(PricesInDollars, AuditedTabularInline):
    """The platform's prices of a model, newest first."""

    model = Price
    fields = ("effective_from", *PRICE_FIELDS, "source")
    ordering = ("-effective_from",)
    tab = True

    @override
    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Price]:
        rows: models.QuerySet[Price] = super().get_queryset(request)
        return rows.filter(tenant=None)


class LlmModelForm(TenantModelForm):
    """Checks the capabilities: known names, each yes, no or unknown."""

    def clean_capabilities(self) -> dict[str, str]:
        given = self.cleaned_data["capabilities"] or {}
        is_map = isinstance(given, dict)
        if not is_map or set(given) - set(Capability.values):
            names = ", ".join(Capability.values)
            raise forms.ValidationError(
                _("Known capabilities: %(names)s."), params={"names": names}
            )
        if set(given.values()) - set(Support.values):
            raise forms.ValidationError(_("Each capability is yes, no or unknown."))
        return dict(given)


@admin.register(LlmModel)
class LlmModelAdmin(TrafficActionsMixin, AuditedModelAdmin):
    """Models by the names that clients use."""

    form = LlmModelForm
    list_display = (
        *("name", "provider", "context_window", "max_output_tokens", "lifecycle"),
        "state",
    )
    list_filter = ("provider", "lifecycle", "traffic")
    list_select_related = ("provider",)
    search_fields = ("name",)
    autocomplete_fields = ("successor",)
    inlines = (PriceInline,)
    empty_list_text = _("Models ship with the product: run load_catalogue, or add one by hand.")
    fields = (
        "name",
        "provider",
        "lifecycle",
        "successor",
        "traffic",
        "context_window",
        "max_output_tokens",
        "capabilities",
    )
    readonly_fields = ("traffic",)

    @display(description=_("state"), label=TRAFFIC_COLOURS)
    def state(self, model: LlmModel) -> tuple[str, Any]:
        """Return what reaches it, its provider's switch counted."""
        return shown_traffic(model_traffic(model))


@admin.register(Price)
class PriceAdmin(PricesInDollars, AuditedModelAdmin):
    """Dated prices; a tenant's own row (its contract) wins over the platform's."""

    list_display = ("llm_model", "effective_from", "input_usd", "output_usd", "source")
    list_filter = ("llm_model__provider",)
    list_select_related = ("llm_model", "tenant")
    search_fields = ("llm_model__name", "source")
    autocomplete_fields = ("llm_model",)
    date_hierarchy = "effective_from"
    empty_list_text = _("A price tells what a model costs from a date on.")
    fields = ("llm_model", "effective_from", *PRICE_FIELDS, "source")
