"""The rule's form: conditions as plain fields that a business user understands."""

from typing import Any, override

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
)

from apps.audit.admin.fields import CommaList
from apps.audit.admin.permissions import in_platform_scope
from apps.audit.forms import TenantModelForm
from apps.routing.engine.compile import ConditionFault, compile_condition
from apps.routing.models import Rule
from apps.routing.rule_form_fields import PlainConditions, to_plain, to_tree
from apps.routing.validation import describe_fault
from apps.tenants.models import Project, Tenant

NEEDS = (
    ("tools", _("Tools")),
    ("vision", _("Images")),
    ("audio", _("Audio")),
    ("documents", _("Documents")),
    ("json_schema", _("JSON by a schema")),
)
CONDITION_FIELDS = (
    *("requested_models", "projects", "tenants", "tags", "needs"),
    *("fewest_prompt_tokens", "most_prompt_tokens"),
)


class RuleForm(TenantModelForm):
    """A rule; its tree is built from the plain fields, or kept when they cannot show it."""

    requested_models = CommaList(
        label=_("Requested model"),
        required=False,
        help_text=_("The name that the client asks for; several with commas. Empty: any."),
    )
    projects = forms.MultipleChoiceField(
        label=_("Project"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None marked: every project."),
    )
    tenants = forms.MultipleChoiceField(
        label=_("Tenant"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None marked: every tenant."),
    )
    tags = CommaList(
        label=_("Tag"),
        required=False,
        help_text=_("Of the request or of its API key; one of them is enough. Empty: any."),
    )
    needs = forms.MultipleChoiceField(
        label=_("The request needs"),
        required=False,
        choices=NEEDS,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    fewest_prompt_tokens = forms.IntegerField(
        label=_("Prompt tokens, at least"),
        required=False,
        min_value=0,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    most_prompt_tokens = forms.IntegerField(
        label=_("Prompt tokens, at most"),
        required=False,
        min_value=0,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plain = shown_conditions(self.instance)
        self.keeps_tree = plain is None
        for name in CONDITION_FIELDS:
            if name not in self.fields:
                continue
            if plain is None:
                del self.fields[name]
            elif name not in self.initial:
                self.initial[name] = getattr(plain, name)
        self._offer("projects", Project)
        self._offer("tenants", Tenant)

    @override
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        low, high = cleaned.get("fewest_prompt_tokens"), cleaned.get("most_prompt_tokens")
        if low is not None and high is not None and low > high:
            self.add_error("most_prompt_tokens", _("This is less than the lower limit."))
        if cleaned.get("action") == "reject" and not cleaned.get("reject_message"):
            self.add_error("reject_message", _("Tell the caller why the request is rejected."))
        if not self.keeps_tree and not self.errors:
            self._build_tree(cleaned)
        return cleaned

    def _build_tree(self, cleaned: dict[str, Any]) -> None:
        fields = {name: cleaned[name] for name in CONDITION_FIELDS if name in cleaned}
        lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        tree = to_tree(PlainConditions(**{**fields, **lists}))
        try:
            compile_condition(tree)
        except ConditionFault as fault:
            self.add_error(None, describe_fault(fault))
            return
        self.instance.conditions = tree

    def _offer(self, name: str, model: type[Project | Tenant]) -> None:
        field = self.fields.get(name)
        if isinstance(field, forms.MultipleChoiceField):
            rows = model.objects.order_by("name").values_list("slug", "name")
            field.choices = list(dict(rows).items())


def shown_conditions(rule: Rule) -> PlainConditions | None:
    """Return the plain fields of a rule; None when the form would lose some of its condition."""
    plain = to_plain(rule.conditions)
    if plain is None:
        return None
    offers = (
        all(_survives_commas(text) for text in (*plain.requested_models, *plain.tags)),
        set(plain.needs) <= {name for name, _label in NEEDS},
        not plain.projects or set(plain.projects) <= _slugs(Project),
        not plain.tenants or (in_platform_scope() and set(plain.tenants) <= _slugs(Tenant)),
        min(plain.fewest_prompt_tokens or 0, plain.most_prompt_tokens or 0) >= 0,
    )
    return plain if all(offers) else None


def _survives_commas(text: str) -> bool:
    return "," not in text and text == text.strip()


def _slugs(model: type[Project | Tenant]) -> set[str]:
    return set(model.objects.values_list("slug", flat=True))
