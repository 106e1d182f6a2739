"""Django application: prompt templates and their versions."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PromptsConfig(AppConfig):
    name = "apps.prompts"
    verbose_name = _("Prompts")
