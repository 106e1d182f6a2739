"""The table of roles, and the backend that reads it."""

from typing import Any

import pytest

from apps.accounts.enums import Role
from apps.accounts.roles import PERMISSIONS_BY_ROLE, PUBLISH_RELEASE, permissions_of
from apps.core.scoping import all_tenants, tenant_scope
from apps.providers.models import Provider
from apps.routing.models import RuleSet
from tests.factories.people import make_member, make_membership, make_tenant, make_user

OWNER, EDITOR, APPROVER, ANALYST = Role.OWNER, Role.RULE_EDITOR, Role.APPROVER, Role.ANALYST
EVERYONE = {OWNER, EDITOR, APPROVER, ANALYST}
NOBODY: set[str] = set()

TABLE: dict[str, set[Any]] = {
    "routing.view_rule": EVERYONE,
    "routing.add_rule": {OWNER, EDITOR},
    "routing.change_rule": {OWNER, EDITOR},
    "routing.delete_ruleset": {OWNER, EDITOR},
    "routing.change_ruletarget": {OWNER, EDITOR},
    "routing.add_modelalias": {OWNER, EDITOR},
    "routing.add_grant": NOBODY,
    "routing.view_release": EVERYONE,
    "routing.change_release": NOBODY,
    PUBLISH_RELEASE: {OWNER, APPROVER},
    "prompts.view_promptversion": EVERYONE,
    "prompts.add_prompttemplate": {OWNER, EDITOR},
    "providers.view_llmmodel": EVERYONE,
    "providers.view_deployment": EVERYONE,
    "providers.change_deployment": {OWNER},
    "providers.change_llmmodel": NOBODY,
    "providers.add_provider": NOBODY,
    "providers.add_price": NOBODY,
    "providers.view_credential": {OWNER},
    "providers.add_credential": {OWNER},
    "api_keys.view_apikey": {OWNER},
    "api_keys.add_apikey": {OWNER},
    "tenants.view_tenant": EVERYONE,
    "tenants.change_tenant": {OWNER},
    "tenants.add_tenant": NOBODY,
    "tenants.delete_tenant": NOBODY,
    "tenants.view_project": EVERYONE,
    "tenants.delete_project": {OWNER},
    "accounts.add_membership": {OWNER},
    "accounts.view_user": {OWNER},
    "accounts.change_user": NOBODY,
    "accounts.add_user": NOBODY,
    "audit.view_auditentry": {OWNER, EDITOR, APPROVER},
    "audit.delete_auditentry": NOBODY,
    "conversations.view_conversation": {OWNER},
    "conversations.view_storedresponse": {OWNER},
    "jobs.view_job": {OWNER},
    "auth.add_permission": NOBODY,
}


@pytest.mark.parametrize("role", sorted(EVERYONE))
@pytest.mark.parametrize("permission", sorted(TABLE))
def test_permissions_of__each_role__are_exactly_these(permission: str, role: str) -> None:
    assert (permission in permissions_of(role)) == (role in TABLE[permission])


def test_permissions_of__the_table__knows_every_role() -> None:
    assert set(PERMISSIONS_BY_ROLE) == set(Role.values)


def test_permissions_of__unknown_role__are_none() -> None:
    assert permissions_of("emperor") == frozenset()


@pytest.mark.django_db
def test_has_perm__role_in_the_tenant_in_scope__counts() -> None:
    tenant = make_tenant()
    user = make_member(tenant, Role.RULE_EDITOR)
    with tenant_scope(tenant.pk):
        assert user.has_perm("routing.change_rule")
        assert user.has_module_perms("routing")
        assert not user.has_module_perms("api_keys")
        assert "routing.change_rule" in user.get_all_permissions()


@pytest.mark.django_db
def test_has_perm__role_in_another_tenant__does_not_count() -> None:
    user, elsewhere = make_member(), make_tenant()
    with tenant_scope(elsewhere.pk):
        assert not user.has_perm("routing.view_rule")
        assert not user.has_module_perms("routing")


@pytest.mark.django_db
def test_has_perm__several_roles__add_up() -> None:
    tenant, user = make_tenant(), make_user()
    for role in (Role.RULE_EDITOR, Role.APPROVER):
        make_membership(tenant=tenant, user=user, role=role)
    with tenant_scope(tenant.pk):
        assert user.has_perm("routing.change_rule")
        assert user.has_perm(PUBLISH_RELEASE)


@pytest.mark.django_db
def test_has_perm__without_a_tenant_in_scope__is_denied() -> None:
    user = make_member()
    assert not user.has_perm("routing.view_rule")
    with all_tenants("tests"):
        assert not user.has_perm("routing.view_rule")


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{"is_active": False}])
def test_has_perm__locked_person__is_denied(fields: dict[str, Any]) -> None:
    tenant, user = make_tenant(), make_user(**fields)
    make_membership(tenant=tenant, user=user)
    with tenant_scope(tenant.pk):
        assert not user.has_perm("routing.view_rule")


@pytest.mark.django_db
def test_has_perm__inactive_tenant__is_denied() -> None:
    tenant = make_tenant(is_active=False)
    user = make_member(tenant)
    with tenant_scope(tenant.pk):
        assert not user.has_perm("routing.view_rule")


@pytest.mark.django_db
def test_has_perm__row_of_the_platform__is_read_only_for_tenants() -> None:
    tenant = make_tenant()
    user, staff = make_member(tenant), make_user(is_superuser=True)
    platform_rules = RuleSet(name="global", tenant=None)
    with tenant_scope(tenant.pk):
        assert user.has_perm("routing.view_ruleset", platform_rules)
        assert not user.has_perm("routing.change_ruleset", platform_rules)
        assert not user.has_perm("routing.delete_ruleset", platform_rules)
        assert user.has_perm("routing.change_ruleset", RuleSet(name="own", tenant=tenant))
        assert user.has_perm("providers.view_provider", Provider(name="x"))
        assert staff.has_perm("routing.change_ruleset", platform_rules)


@pytest.mark.django_db
def test_has_perm__asked_often__looks_roles_up_once(django_assert_num_queries: Any) -> None:
    tenant = make_tenant()
    user = make_member(tenant)
    with tenant_scope(tenant.pk), django_assert_num_queries(1):
        for _ in range(5):
            user.has_perm("routing.change_rule")
