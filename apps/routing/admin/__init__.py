"""Rule sets, rules, aliases, grants and releases in the admin."""

from apps.routing.admin.aliases import GrantAdmin, ModelAliasAdmin
from apps.routing.admin.releases import ReleaseAdmin
from apps.routing.admin.rule_sets import RuleSetAdmin
from apps.routing.admin.rules import RuleAdmin

__all__ = ["GrantAdmin", "ModelAliasAdmin", "ReleaseAdmin", "RuleAdmin", "RuleSetAdmin"]
