"""Inputs of the rule form: the condition builder, and the arms of an experiment, one on a line."""

import json
import re
from collections.abc import Callable
from typing import Any, override

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

ARM_LINE = re.compile(r"^(?P<name>.+?)\s+(?P<weight>\d{1,3})\s*%?\s*:(?P<targets>.*)$")


class ConditionWidget(UnfoldAdminTextareaWidget):
    """A text area with JSON, which the page's script turns into a builder of groups and clauses."""

    def __init__(self, schema: Callable[[], dict[str, Any]]) -> None:
        super().__init__(attrs={"rows": 8, "spellcheck": "false", "data-condition-builder": ""})
        self._schema = schema

    @override
    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        schema = json.dumps(self._schema(), ensure_ascii=False)
        context["widget"]["attrs"]["data-condition-builder"] = schema
        return context

    class Media:
        js = ("router/condition_builder.js",)
        css: dict[str, tuple[str, ...]] = {"all": ("router/condition_builder.css",)}


class ConditionField(forms.JSONField):
    """A condition tree; an empty text holds for every request."""

    @override
    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, forms.fields.InvalidJSONInput | str):
            return value
        return json.dumps(value or {}, ensure_ascii=False, indent=2)

    @override
    def clean(self, value: Any) -> Any:
        return super().clean(value) or {}


class ArmsField(forms.CharField):
    """Arms as lines: “new 10: model-a, model-b”."""

    widget = UnfoldAdminTextareaWidget

    @override
    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(
            f"{arm['name']} {arm['weight']}: {', '.join(arm['targets'])}" for arm in value
        )

    @override
    def clean(self, value: Any) -> list[dict[str, Any]]:
        lines = (super().clean(value) or "").splitlines()
        return [_arm(line.strip()) for line in lines if line.strip()]

    @override
    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial or []) != (data or "").strip())


def _arm(line: str) -> dict[str, Any]:
    found = ARM_LINE.match(line)
    if found is None:
        raise forms.ValidationError(
            _("“%(line)s” is no arm. Write a name, a weight and models: new 10: model-a, model-b"),
            params={"line": line},
        )
    targets = [name.strip() for name in found["targets"].split(",") if name.strip()]
    return {"name": found["name"], "weight": int(found["weight"]), "targets": targets}
