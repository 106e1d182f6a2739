"""Django application: the ledger, the log, dashboards."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UsageConfig(AppConfig):
    name = "apps.usage"
    verbose_name = _("Usage")
