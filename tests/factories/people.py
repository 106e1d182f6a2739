"""Tenants, projects, people and memberships for tests."""

from itertools import count
from typing import Any

from apps.accounts.enums import Role
from apps.accounts.models import Membership, User
from apps.core.scoping import all_tenants
from apps.tenants.models import Project, Tenant

PASSWORD = "correct horse battery staple"

_numbers = count(1)


def make_tenant(**fields: Any) -> Tenant:
    """Create a tenant; every field has a default."""
    number = next(_numbers)
    with all_tenants("tests"):
        return Tenant.objects.create(
            **{"slug": f"tenant-{number}", "name": f"Tenant {number}", **fields}
        )


def make_project(tenant: Tenant | None = None, **fields: Any) -> Project:
    """Create a project, and a tenant when none is given."""
    number = next(_numbers)
    owner = tenant or make_tenant()
    values = {"slug": f"project-{number}", "name": f"Project {number}", **fields}
    with all_tenants("tests"):
        project: Project = Project.objects.create(tenant=owner, **values)
    return project


def make_user(*, password: str = PASSWORD, **fields: Any) -> User:
    """Create a person who can sign in with PASSWORD; `is_superuser=True` for platform staff."""
    email = fields.pop("email", f"person-{next(_numbers)}@example.com")
    return User.objects.create_user(email, password, **fields)


def make_membership(
    *, tenant: Tenant | None = None, user: User | None = None, role: str = Role.OWNER
) -> Membership:
    """Give a person a role in a tenant; both are created when not given."""
    owner, person = tenant or make_tenant(), user or make_user()
    with all_tenants("tests"):
        membership: Membership = Membership.objects.create(tenant=owner, user=person, role=role)
    return membership


def make_member(tenant: Tenant | None = None, role: str = Role.OWNER) -> User:
    """Return a new person with a role in the tenant."""
    return make_membership(tenant=tenant, role=role).user
