"""Rule sets, rules, calendars, aliases, grants and releases in the admin."""

from apps.routing.admin.aliases import GrantAdmin, ModelAliasAdmin
from apps.routing.admin.calendars import HolidayCalendarAdmin
from apps.routing.admin.releases import ReleaseAdmin
from apps.routing.admin.rule_sets import RuleSetAdmin
from apps.routing.admin.rules import RuleAdmin

__all__ = [
    "GrantAdmin",
    "HolidayCalendarAdmin",
    "ModelAliasAdmin",
    "ReleaseAdmin",
    "RuleAdmin",
    "RuleSetAdmin",
]
