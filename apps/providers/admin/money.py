"""Prices as people write them: dollars per million tokens; stored as integer micro-dollars."""

from decimal import Decimal
from typing import Any, override

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.core.money import MICRO_USD_PER_USD, format_usd

PRICE_FIELDS = ("input_price", "output_price", "cached_input_price", "cache_write_price")


class UsdField(forms.DecimalField):
    """Shows micro-dollars as dollars and gives micro-dollars back."""

    def __init__(self, **options: Any) -> None:
        kept = {name: options[name] for name in ("label", "required", "help_text", "initial")}
        widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})
        super().__init__(min_value=0, max_digits=15, decimal_places=6, widget=widget, **kept)

    @override
    def prepare_value(self, value: Any) -> Any:
        return shown_price(value) if isinstance(value, int) else value

    @override
    def clean(self, value: Any) -> int | None:
        dollars: Decimal | None = super().clean(value)
        return None if dollars is None else int(dollars * MICRO_USD_PER_USD)

    @override
    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.clean(data) != initial)
        except forms.ValidationError:
            return True


def shown_price(price: int | None) -> str:
    """Return dollars without needless zeros, two places at least: 150000 -> "0.15"."""
    if price is None:
        return ""
    whole, _, fraction = format_usd(price).partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
