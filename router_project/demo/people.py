"""Demo people: one platform admin, and one person for each role of the first tenant."""

from dataclasses import dataclass
from secrets import token_urlsafe

from apps.accounts.enums import Role
from apps.accounts.models import Membership, User
from apps.tenants.models import Tenant

DOMAIN = "example.com"
PASSWORD_BYTES = 9


@dataclass(frozen=True, slots=True)
class Person:
    """A log-in as it is told to the person who runs the demo."""

    role: str
    email: str
    password: str


def platform_admin(known: dict[str, str]) -> Person:
    """Return the platform's admin, made on the first call."""
    email = f"admin@{DOMAIN}"
    password = _password(email, known)
    user = User.objects.filter(email=email).first()
    if user is None:
        User.objects.create_superuser(email, password, name="Ada Admin")
    elif not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return Person("platform admin", email, password)


def members(tenant: Tenant, known: dict[str, str]) -> list[Person]:
    """Return one person per role of a tenant."""
    return [_member(tenant, Role(role), known) for role in Role.values]


def _member(tenant: Tenant, role: Role, known: dict[str, str]) -> Person:
    email = f"{role.value.replace('_', '.')}@{tenant.slug}.{DOMAIN}"
    password = _password(email, known)
    user = User.objects.filter(email=email).first()
    if user is None:
        name = f"{tenant.name} {role.value.replace('_', ' ')}"
        user = User.objects.create_user(email, password, name=name)
    elif not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    Membership.objects.get_or_create(tenant=tenant, user=user, role=role)
    return Person(role.value, email, password)


def _password(email: str, known: dict[str, str]) -> str:
    """Keep the password that was told before: a second start must not lock anybody out."""
    return known.get(email) or token_urlsafe(PASSWORD_BYTES)
