"""ASGI: the data plane goes to the lean handler, everything else to Django's full stack."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "router_project.settings.development")

from django.core.asgi import get_asgi_application

control_plane = get_asgi_application()

# The apps can be imported only after Django is set up.
from apps.gateway.lean_handler import LeanHandler  # noqa: E402
from apps.gateway.lifespan import Lifespan  # noqa: E402

data_plane = LeanHandler()
lifespan = Lifespan()

DATA_PLANE_PREFIXES = ("/v1/", "/v1beta/")
DATA_PLANE_PATHS = frozenset({"/api/v1/complete", "/api/v1/route", "/livez", "/readyz"})


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Send one connection to its plane."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    path = scope["path"]
    is_data = path in DATA_PLANE_PATHS or path.startswith(DATA_PLANE_PREFIXES)
    await (data_plane if is_data else control_plane)(scope, receive, send)
