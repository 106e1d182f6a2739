"""WSGI, for tools that ask for it; the data plane needs ASGI."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "router_project.settings.development")

application = get_wsgi_application()
