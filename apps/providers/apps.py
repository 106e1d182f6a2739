"""Django application: catalogue, prices, credentials, deployments, adapters."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProvidersConfig(AppConfig):
    name = "apps.providers"
    verbose_name = _("Providers and models")
