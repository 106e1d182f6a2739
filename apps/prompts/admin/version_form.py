"""The editor of a version: messages, variables and a comment, without any JSON."""

from collections.abc import Mapping
from typing import Any, override

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from apps.core.errors import InvalidRequest
from apps.prompts.admin.wording import ROLES, TYPES, sample_of, shown_value
from apps.prompts.models import PromptVersion
from apps.prompts.problems import describe_error
from apps.prompts.typed_values import NotReadable, to_value

SPARE_ROWS = 2
MORE = "more_rows"
ROW_NAMES = {"messages": _("Message %(number)s"), "variables": _("Variable %(number)s")}


class MessageForm(forms.Form):
    """One message; a row without a text is left out."""

    role = forms.ChoiceField(label=_("Who speaks"), choices=ROLES, widget=UnfoldAdminSelectWidget)
    text = forms.CharField(
        label=_("What it says"),
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
    )


class VariableForm(forms.Form):
    """One variable; a row without a name is left out."""

    name = forms.CharField(
        label=_("Name"), required=False, max_length=40, widget=UnfoldAdminTextInputWidget
    )
    type = forms.ChoiceField(label=_("Type"), choices=TYPES, widget=UnfoldAdminSelectWidget)
    required = forms.BooleanField(
        label=_("Required"), required=False, initial=True, widget=UnfoldBooleanWidget
    )
    default = forms.CharField(label=_("Default"), required=False, widget=UnfoldAdminTextInputWidget)

    @override
    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        try:
            cleaned["value"] = to_value(cleaned.get("type", "text"), cleaned.get("default", ""))
        except NotReadable:
            self.add_error("default", _("This is not a value of the chosen type."))
        return cleaned


class CommentForm(forms.Form):
    comment = forms.CharField(
        label=_("What changed, and why"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
    )


MessageFormSet = forms.formset_factory(MessageForm, extra=0)
VariableFormSet = forms.formset_factory(VariableForm, extra=0)


class VersionEditor:
    """The three parts of the page together; `base` is the version that the author starts from."""

    def __init__(self, data: Any = None, base: PromptVersion | None = None) -> None:
        self.messages = MessageFormSet(data, initial=_messages_of(base), prefix="messages")
        self.variables = VariableFormSet(data, initial=_variables_of(base), prefix="variables")
        self.comment = CommentForm(data)

    def is_valid(self) -> bool:
        return all([self.messages.is_valid(), self.variables.is_valid(), self.comment.is_valid()])

    def content(self) -> dict[str, Any]:
        """Return messages and variables as they are stored; call it when the editor is valid."""
        messages = (form.cleaned_data for _number, form in self._kept("messages"))
        return {
            "messages": [
                {"role": row["role"], "text": row["text"].replace("\r\n", "\n")} for row in messages
            ],
            "variables": [_record(form.cleaned_data) for _number, form in self._kept("variables")],
        }

    def explain(self, error: InvalidRequest) -> str:
        """Say what is wrong, and in which row of the page."""
        told = describe_error(error)
        part, index, *_rest = [*(error.param or "").split("."), "", ""]
        if part not in ROW_NAMES or not index.isdigit():
            return told
        # Rows that were left empty are not part of the content, but people count them.
        number = self._kept(part)[int(index)][0]
        return f"{told} ({ROW_NAMES[part] % {'number': number}})"

    def _kept(self, part: str) -> list[tuple[int, forms.Form]]:
        """Return the rows that say something, with their numbers on the page."""
        rows = self.messages if part == "messages" else self.variables
        field = "text" if part == "messages" else "name"
        numbered = enumerate(rows, start=1)
        return [(n, form) for n, form in numbered if form.cleaned_data.get(field, "").strip()]


def with_more_rows(data: Any) -> Any:
    """Return the posted form with spare rows for messages and variables."""
    longer = data.copy()
    for prefix in ("messages", "variables"):
        name = f"{prefix}-TOTAL_FORMS"
        count = int(longer.get(name) or 0) if (longer.get(name) or "0").isdigit() else 0
        longer[name] = str(count + SPARE_ROWS)
        for index in range(count, count + SPARE_ROWS):
            role_or_type = "role" if prefix == "messages" else "type"
            longer[f"{prefix}-{index}-{role_or_type}"] = "user" if prefix == "messages" else "text"
            if prefix == "variables":
                longer[f"{prefix}-{index}-required"] = "on"
    return longer


def samples_from(data: Mapping[str, str], variables: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return name, type and text to try each variable with: what was typed, else something."""
    samples = []
    for record in variables:
        name, kind = record["name"], record["type"]
        known = shown_value(record.get("default")) or sample_of(kind, name)
        samples.append({"name": name, "type": kind, "text": data.get(f"sample-{name}", known)})
    return samples


def _record(row: dict[str, Any]) -> dict[str, Any]:
    record = {"name": row["name"], "type": row["type"], "required": row["required"]}
    return record if row["value"] is None else {**record, "default": row["value"]}


def _messages_of(base: PromptVersion | None) -> list[dict[str, str]]:
    if base is None:
        return [{"role": "system", "text": ""}, {"role": "user", "text": ""}]
    return [*base.messages, {"role": "user", "text": ""}]


def _variables_of(base: PromptVersion | None) -> list[dict[str, Any]]:
    known = [
        {
            "name": record["name"],
            "type": record.get("type", "text"),
            "required": record.get("required", True),
            "default": shown_value(record.get("default")),
        }
        for record in (base.variables if base else [])
    ]
    return [*known, *[{"type": "text", "required": True}] * SPARE_ROWS]
