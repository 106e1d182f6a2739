"""Writes about people: members of a tenant and their roles; each is in the audit trail."""

from uuid import UUID

from django.utils.translation import gettext as _

from apps.accounts.invitations import send_password_link
from apps.accounts.models import Membership, User
from apps.accounts.selectors import find_membership, is_last_owner
from apps.audit.services import record_change
from apps.audit.types import Actor
from apps.core.errors import Conflict


def add_member(
    *, tenant_id: UUID, email: str, role: str, name: str = "", actor: Actor
) -> Membership:
    """Give a person a role in a tenant; a person unknown so far gets a link to set a password.

    Raises Conflict when the person has the role already.
    """
    if find_membership(tenant_id=tenant_id, email=email, role=role):
        raise Conflict(_("This person has this role already."), param="email")
    user = find_or_create_user(email=email, name=name, actor=actor)
    membership: Membership = Membership.objects.create(tenant_id=tenant_id, user=user, role=role)
    changes = {"user": user.email, "role": role}
    record_change(
        actor=actor, action="accounts.membership_created", obj=membership, changes=changes
    )
    return membership


def change_role(*, membership: Membership, role: str, actor: Actor) -> Membership:
    """Change what a member is; raises Conflict for the last owner."""
    if membership.role == role:
        return membership
    refuse_last_owner(membership)
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    record_change(
        actor=actor,
        action="accounts.membership_updated",
        obj=membership,
        changes={"role": [before, role]},
    )
    return membership


def remove_member(*, membership: Membership, actor: Actor) -> None:
    """Take a role away, leaving the person's account; raises Conflict for the last owner."""
    refuse_last_owner(membership)
    changes = {"user": membership.user.email, "role": membership.role}
    record_change(
        actor=actor, action="accounts.membership_deleted", obj=membership, changes=changes
    )
    membership.delete()


def refuse_last_owner(membership: Membership) -> None:
    """Raise Conflict when the tenant has no other owner."""
    if is_last_owner(membership):
        raise Conflict(_("A tenant needs an owner: name another one first."), param="role")


def find_or_create_user(*, email: str, name: str = "", actor: Actor) -> User:
    """Return the person with this address; a new one is invited to set a password."""
    known = User.objects.filter(email=email.lower()).first()
    if known is not None:
        return known
    user = User.objects.create_user(email, name=name)
    changes = {"email": user.email, "name": name}
    record_change(actor=actor, action="accounts.user_created", obj=user, changes=changes)
    send_password_link(user)
    return user
