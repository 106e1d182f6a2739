"""The admin's shell: django-unfold."""

from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from router_project.navigation import NAVIGATION

UNFOLD = {
    "SITE_TITLE": _("LLM Router"),
    "SITE_HEADER": _("LLM Router"),
    "SITE_SYMBOL": "alt_route",
    "SITE_URL": None,
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "sizes": "any",
            "type": "image/svg+xml",
            "href": lambda _request: static("router/icon.svg"),
        }
    ],
    "STYLES": [lambda _request: static("router/admin.css")],
    "SCRIPTS": [lambda _request: static("router/admin.js")],
    # The shell's own 500 is too dark to read on its dark pages (WCAG 1.4.3).
    "COLORS": {"primary": {"500": "oklch(71.4% .203 305.504)"}},
    "COMMAND": {"show_history": False},
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": NAVIGATION},
}
