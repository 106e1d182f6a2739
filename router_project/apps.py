"""Django applications of the wiring: its commands, and the admin with its own site."""

from importlib import import_module
from typing import override

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ProjectConfig(AppConfig):
    name = "router_project"
    verbose_name = "LLM Router"

    @override
    def ready(self) -> None:
        # Whoever sends a task needs our broker, not Celery's default one.
        import_module("router_project.celery")


class RouterAdminConfig(AdminConfig):
    default_site = "router_project.admin_site.RouterAdminSite"
