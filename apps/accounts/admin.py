"""People and what they are in each tenant."""

from typing import Any, override

from allauth.account.decorators import secure_admin_login
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.contrib.auth.models import Group
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.accounts.forms import AddMemberForm, ChangeMemberForm, UserForm
from apps.accounts.invitations import send_password_link
from apps.accounts.models import Membership, User
from apps.accounts.selectors import is_last_owner
from apps.accounts.services import find_or_create_user
from apps.audit.actors import actor_of
from apps.audit.admin import AuditedModelAdmin
from apps.audit.admin.permissions import in_platform_scope
from apps.core.scoping import current_scope

# The admin's own form knows neither second factor, nor single sign-on, nor limits on guessing.
setattr(admin.site, "login", secure_admin_login(admin.site.login))  # noqa: B010
# Permissions come from roles in a tenant; a group would hold in every tenant.
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(AuditedModelAdmin):
    """Accounts: platform staff edit them, owners see those of their tenant."""

    form = UserForm
    list_display = ("email", "name", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email", "name")
    readonly_fields = ("last_login", "date_joined")
    actions = ("mail_password_link",)
    fieldsets = (
        (None, {"fields": ("email", "name", "language")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )

    @override
    def get_queryset(self, request: HttpRequest) -> models.QuerySet[User]:
        rows: models.QuerySet[User] = super().get_queryset(request)
        scope = current_scope()
        if scope.is_platform:
            return rows
        # Users have no tenant of their own: who is a member here is what may be seen here.
        return rows.filter(pk__in=Membership.objects.values("user_id"))

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if not change:
            send_password_link(obj)

    @admin.action(description=_("Mail a link to set a new password"), permissions=["change"])
    def mail_password_link(self, request: HttpRequest, queryset: models.QuerySet[User]) -> None:
        """Mail the link to each selected person."""
        users = list(queryset)
        for user in users:
            send_password_link(user)
            self.record(request, "password_link_sent", user, {})
        text = ngettext(
            "%(count)d link is on its way.", "%(count)d links are on their way.", len(users)
        )
        messages.success(request, text % {"count": len(users)})


@admin.register(Membership)
class MembershipAdmin(AuditedModelAdmin):
    """Who is what in the tenant."""

    list_display = ("user", "email", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "tenant")
    search_fields = ("user__email", "user__name")
    empty_list_text = _("Add the people of your organization and say what each of them may do.")

    @admin.display(description=_("e-mail address"), ordering="user__email")
    def email(self, membership: Membership) -> str:
        return membership.user.email

    @override
    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        fields = ["user", "role"] if obj else ["email", "name", "role"]
        return [(None, {"fields": ["tenant", *fields] if in_platform_scope() else fields})]

    @override
    def get_form(
        self,
        request: HttpRequest,
        obj: models.Model | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> Any:
        kwargs["form"] = ChangeMemberForm if obj else AddMemberForm
        return super().get_form(request, obj, change=change, **kwargs)

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        return (*fields, "user") if obj else fields

    @override
    def get_actions(
        self, request: HttpRequest, action_location: Any = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request, action_location)
        # In bulk, the last owner could go.
        actions.pop("delete_selected", None)
        return actions

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and not (isinstance(obj, Membership) and is_last_owner(obj))

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.user = find_or_create_user(
                email=form.cleaned_data["email"],
                name=form.cleaned_data["name"],
                actor=actor_of(request),
            )
        super().save_model(request, obj, form, change)
