"""What each role may do: the one table, in permission names; `*` stands for any part of a name."""

from fnmatch import fnmatchcase
from functools import cache, lru_cache

from django.apps import apps
from django.contrib.auth import get_permission_codename

from apps.accounts.enums import Role

# Publishing changes what runs; editing rules alone does not.
PUBLISH_RELEASE = "routing.publish_release"

READ_RULES = (
    "routing.view_ruleset",
    "routing.view_rule",
    "routing.view_ruletarget",
    "routing.view_modelalias",
    "routing.view_aliastarget",
    "routing.view_holidaycalendar",
    "routing.view_grant",
    "routing.view_release",
    "prompts.view_*",
)
READ_CATALOGUE = (
    "tenants.view_*",
    "providers.view_provider",
    "providers.view_llmmodel",
    "providers.view_price",
    "providers.view_deployment",
)
READ_USAGE = ("usage.view_*",)
EDIT_RULES = (
    "routing.*_ruleset",
    "routing.*_rule",
    "routing.*_ruletarget",
    "routing.*_modelalias",
    "routing.*_aliastarget",
    "routing.*_holidaycalendar",
    "prompts.*",
)

PERMISSIONS_BY_ROLE: dict[str, tuple[str, ...]] = {
    Role.OWNER: (
        *READ_RULES,
        *READ_CATALOGUE,
        *READ_USAGE,
        *EDIT_RULES,
        PUBLISH_RELEASE,
        "tenants.change_tenant",
        "tenants.*_project",
        "accounts.*_membership",
        "accounts.view_user",
        "audit.view_auditentry",
        "providers.*_credential",
        "providers.*_deployment",
        "api_keys.*",
        "conversations.view_*",
        "conversations.delete_*",
        "jobs.view_*",
        "gateway.*",
    ),
    Role.RULE_EDITOR: (
        *READ_RULES,
        *READ_CATALOGUE,
        *READ_USAGE,
        *EDIT_RULES,
        "audit.view_auditentry",
        "gateway.use_playground",
    ),
    Role.APPROVER: (
        *READ_RULES,
        *READ_CATALOGUE,
        *READ_USAGE,
        PUBLISH_RELEASE,
        "audit.view_auditentry",
    ),
    Role.ANALYST: (*READ_RULES, *READ_CATALOGUE, *READ_USAGE),
}


@cache
def permissions_of(role: str) -> frozenset[str]:
    """Return the full permission names of a role; an unknown role has none."""
    patterns = PERMISSIONS_BY_ROLE.get(role, ())
    named = {pattern for pattern in patterns if "*" not in pattern}
    matched = {
        name
        for name in _every_permission()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    }
    return frozenset(named | matched)


@lru_cache(maxsize=1)
def _every_permission() -> frozenset[str]:
    names: set[str] = set()
    for model in apps.get_models():
        options = model._meta
        codenames = [get_permission_codename(verb, options) for verb in options.default_permissions]
        codenames += [codename for codename, _label in options.permissions]
        names.update(f"{options.app_label}.{codename}" for codename in codenames)
    return frozenset(names)
