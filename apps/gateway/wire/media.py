"""Addresses and data of images and documents, as OpenAI's dialects write them. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from apps.core.errors import InvalidRequest

DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,", re.IGNORECASE)


def split_data_url(url: str) -> tuple[str, str]:
    """Return media type and base64 of a data: URL, two empty texts for any other address."""
    head = DATA_URL.match(url)
    return (head[1].lower(), url[head.end() :]) if head else ("", "")


def http_address(url: str, at: str) -> str:
    """Return the address; raises InvalidRequest when it is none that can be fetched."""
    if not url.lower().startswith(("http://", "https://")):
        raise InvalidRequest("give an http(s) address, or base64 as a data: URL", param=at)
    return url


def required_text(given: Mapping[str, Any], name: str, at: str) -> str:
    """Return a field that must be there, as a text."""
    value = given.get(name)
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} is a text", param=f"{at}.{name}")
    return value
