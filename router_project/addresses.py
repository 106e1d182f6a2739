"""Addresses of servers: what Django, Redis clients and Celery each want to be told."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit


def database_settings(url: str) -> dict[str, Any]:
    """Return Django's settings of a data base from a `postgresql://` address.

    A socket folder comes as `?host=/folder`, as libpq spells it; other parameters become options.
    """
    parts = urlsplit(url)
    parameters = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parameters.pop("host", "") or parts.hostname or "",
        "PORT": parameters.pop("port", "") or (str(parts.port) if parts.port else ""),
        "OPTIONS": parameters,
    }


def redis_database(url: str, number: int) -> str:
    """Return the address of another numbered data base of the same Redis."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return urlunsplit(parts._replace(path=f"/{number}"))
    parameters = {**dict(parse_qsl(parts.query)), "db": str(number)}
    return f"unix://{parts.path}?{urlencode(parameters)}"


def redis_number(url: str) -> int:
    """Return the number of the data base that a Redis address names."""
    parts = urlsplit(url)
    text = dict(parse_qsl(parts.query)).get("db") or parts.path.lstrip("/")
    return int(text) if text.isdecimal() else 0


def broker_address(redis_url: str) -> str:
    """Return the same Redis in the spelling of Celery's transport."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    return f"redis+socket://{parts.path}?virtual_host={redis_number(redis_url)}"
