"""ASGI: the entrance of every HTTP request."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "router_project.settings.development")

application = get_asgi_application()
