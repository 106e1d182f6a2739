"""Faulty requests over plain HTTP, on every server: always JSON, always the right status."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from django.conf import settings

from tests.factories.demo_site import DemoSite

CHAT = "/v1/chat/completions"
COMPLETE = "/api/v1/complete"
HELLO = [{"role": "user", "content": "Hello"}]


def refused(site: DemoSite, path: str, data: bytes | None) -> tuple[int, dict[str, Any]]:
    """Send bytes as they are (None: GET); return the status and the error of the answer."""
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{site.base_url}{path}",
        data,
        {"authorization": f"Bearer {site.facts['api_key']}", "content-type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(request, timeout=30)  # noqa: S310 - our own server
    with told.value as answer:
        assert answer.headers["content-type"].startswith("application/json")
        error: dict[str, Any] = json.load(answer)["error"]
        return answer.code, error


@pytest.mark.parametrize("path", [CHAT, COMPLETE])
@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff"])
def test_body__that_is_no_json_object__is_400(site: DemoSite, path: str, data: bytes) -> None:
    status, error = refused(site, path, data)
    assert (status, error["code"]) == (400, "invalid_json")


def test_body__larger_than_the_limit__is_413(site: DemoSite) -> None:
    status, error = refused(site, CHAT, b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
    assert (status, error["code"]) == (413, "payload_too_large")


def test_complete__unknown_field__is_named(site: DemoSite) -> None:
    body = json.dumps({"messages": HELLO, "temprature": 1}).encode()
    status, error = refused(site, COMPLETE, body)
    assert (status, error["code"], error["param"]) == (400, "invalid_request", "temprature")


@pytest.mark.parametrize(("path", "code"), [("/v1/nothing", "not_found"), ("/v1beta/nothing", 404)])
def test_path_of_nobody__on_the_data_plane__is_a_404_in_its_dialect(
    site: DemoSite, path: str, code: object
) -> None:
    status, error = refused(site, path, None)
    assert (status, error["code"]) == (404, code)
    assert path in error["message"]
