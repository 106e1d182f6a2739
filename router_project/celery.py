"""Celery's application: finds `tasks.py` in every app."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "router_project.settings.development")

app = Celery("llm_router")
# Tasks are sent from every thread of the web process, not only from the one that imported this.
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
