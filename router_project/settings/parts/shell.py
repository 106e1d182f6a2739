"""The admin's shell: django-unfold."""

from django.templatetags.static import static
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from router_project.navigation import NAVIGATION

_static = lazy(static, str)

UNFOLD = {
    "SITE_TITLE": _("LLM Router"),
    "SITE_HEADER": _("LLM Router"),
    "SITE_SYMBOL": "alt_route",
    "SITE_URL": None,
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "STYLES": [lambda _request: _static("router/admin.css")],
    "COMMAND": {"search_models": True, "show_history": False},
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": NAVIGATION},
}
