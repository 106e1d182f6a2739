"""Django application: the commands that wire all apps together (demo data, processes)."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "router_project"
    verbose_name = "LLM Router"
