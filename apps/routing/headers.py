"""Request headers that rules may read: an allow-list, so that no secret becomes a condition."""

from django.conf import settings

DEFAULT_HEADERS = (
    "user-agent",
    "accept-language",
    "x-app",
    "x-team",
    "x-environment",
    "x-feature",
)
# They prove who calls; no rule may read them and no log may hold them, whatever the settings say.
SECRET_HEADERS = frozenset(
    {
        *("authorization", "proxy-authorization", "cookie", "set-cookie"),
        *("x-api-key", "api-key", "x-goog-api-key", "x-csrftoken"),
    }
)


def routable_headers() -> tuple[str, ...]:
    """Return the names in lower case: ours, and those of the setting ROUTABLE_HEADERS."""
    names = (name.lower() for name in (*DEFAULT_HEADERS, *settings.ROUTABLE_HEADERS))
    return tuple(name for name in dict.fromkeys(names) if name not in SECRET_HEADERS)
