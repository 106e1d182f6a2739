"""Django applications of the wiring: its commands, and the admin with its own site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ProjectConfig(AppConfig):
    name = "router_project"
    verbose_name = "LLM Router"


class RouterAdminConfig(AdminConfig):
    default_site = "router_project.admin_site.RouterAdminSite"
