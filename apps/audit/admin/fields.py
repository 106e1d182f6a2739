"""Form fields that several admin pages share."""

from typing import Any, override

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget


class CommaList(forms.CharField):
    """Texts with commas between them."""

    widget = UnfoldAdminTextInputWidget

    @override
    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    @override
    def clean(self, value: Any) -> tuple[str, ...]:
        text = super().clean(value) or ""
        return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
