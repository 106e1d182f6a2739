"""Django application: client keys, limits, budgets."""

from importlib import import_module
from typing import override

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApiKeysConfig(AppConfig):
    name = "apps.api_keys"
    verbose_name = _("API keys")

    @override
    def ready(self) -> None:
        import_module("apps.api_keys.signals")
