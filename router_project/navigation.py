"""The admin's menu, in the order and words of the people who use it."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    def has_permission(request: HttpRequest) -> bool:
        return request.user.has_perm(permission)

    return has_permission


def _staff_only(request: HttpRequest) -> bool:
    return bool(request.user.is_superuser)


def _item(title: Any, icon: str, view: str, permission: str) -> dict[str, Any]:
    may: Callable[[HttpRequest], bool] = _may(permission) if permission else _staff_only
    return {"title": title, "icon": icon, "link": reverse_lazy(view), "permission": may}


def _list(title: Any, icon: str, model: str) -> dict[str, Any]:
    app, _dot, name = model.partition(".")
    return _item(title, icon, f"admin:{app}_{name}_changelist", f"{app}.view_{name}")


NAVIGATION: list[dict[str, Any]] = [
    {
        "title": _("Usage"),
        "items": [
            _item(_("Dashboard"), "monitoring", "admin:index", "usage.view_requestlog"),
            _list(_("Requests"), "receipt_long", "usage.requestlog"),
            _list(_("Ledger"), "account_balance", "usage.ledgerentry"),
        ],
    },
    {
        "title": _("Routing"),
        "items": [
            _list(_("Rule sets"), "alt_route", "routing.ruleset"),
            _list(_("Rules"), "rule", "routing.rule"),
            _list(_("Model aliases"), "label", "routing.modelalias"),
            _list(_("Holiday calendars"), "event", "routing.holidaycalendar"),
            _list(_("Prompt templates"), "edit_note", "prompts.prompttemplate"),
            _item(
                _("Review and publish"),
                "rocket_launch",
                "admin:routing_release_publish",
                "routing.view_release",
            ),
            _list(_("Releases"), "history", "routing.release"),
        ],
    },
    {
        "title": _("Models"),
        "items": [
            _list(_("LLM models"), "neurology", "providers.llmmodel"),
            _list(_("Deployments"), "dns", "providers.deployment"),
            _list(_("Provider credentials"), "key", "providers.credential"),
            _list(_("Prices"), "sell", "providers.price"),
            _list(_("Providers"), "cloud", "providers.provider"),
            _list(_("Model grants"), "verified_user", "routing.grant"),
        ],
    },
    {
        "title": _("Access"),
        "items": [
            _list(_("API keys"), "vpn_key", "api_keys.apikey"),
            _list(_("Projects"), "folder", "tenants.project"),
            _list(_("Members"), "group", "accounts.membership"),
            _list(_("Conversations"), "forum", "conversations.conversation"),
            _list(_("Stored responses"), "history", "conversations.storedresponse"),
            _list(_("Jobs"), "pending_actions", "jobs.job"),
            _list(_("Audit trail"), "policy", "audit.auditentry"),
        ],
    },
    {
        "title": _("Platform"),
        "items": [
            _list(_("Tenants"), "apartment", "tenants.tenant"),
            _item(_("Users"), "person", "admin:accounts_user_changelist", ""),
            _item(
                _("Schedules"), "schedule", "admin:django_celery_beat_periodictask_changelist", ""
            ),
        ],
    },
]
