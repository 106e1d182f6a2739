"""Forms of the admin about people."""

from typing import Any, override

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from apps.accounts.models import Membership, User
from apps.accounts.selectors import find_membership
from apps.accounts.services import refuse_last_owner
from apps.audit.forms import TenantModelForm
from apps.core.errors import Conflict


class UserForm(TenantModelForm):
    """A person; the password is set by the person, through a link."""

    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=lambda: [("", _("The browser's")), *settings.LANGUAGES],
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = User
        fields = ("email", "name", "language", "is_active", "is_staff", "is_superuser")

    def clean_email(self) -> str:
        """Addresses are kept in lower case: one person, one account."""
        email: str = self.cleaned_data["email"].lower()
        return email


class AddMemberForm(TenantModelForm):
    """Adds a person by e-mail address, known here or not."""

    email = forms.EmailField(
        label=_("E-mail address"),
        widget=UnfoldAdminEmailInputWidget,
        help_text=_("A person who is new here gets a link to set a password."),
    )
    name = forms.CharField(
        label=_("Name"), required=False, max_length=150, widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = Membership
        fields = ("role",)

    @override
    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] | None = super().clean()
        email: str = self.cleaned_data.get("email", "")
        role: str = self.cleaned_data.get("role", "")
        is_complete = email and role and self.tenant_id
        if is_complete and find_membership(tenant_id=self.tenant_id, email=email, role=role):
            self.add_error("email", _("This person has this role already."))
        return cleaned


class ChangeMemberForm(TenantModelForm):
    """Changes what a member is."""

    class Meta:
        model = Membership
        fields = ("role",)

    @override
    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] | None = super().clean()
        role = self.cleaned_data.get("role")
        if role and role != self.initial.get("role"):
            try:
                refuse_last_owner(Membership.objects.get(pk=self.instance.pk))
            except Conflict as conflict:
                self.add_error("role", conflict.message)
        return cleaned
