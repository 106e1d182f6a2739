"""Celery's application: finds `tasks.py` in every app."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "router_project.settings.development")

app = Celery("llm_router")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
