"""A served site with one model of each provider, all of them simulated on one real socket."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.db import connection

from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from router_project.addresses import database_settings
from tests.factories.demo_site import _free_port, _wait_until_ready
from tests.factories.offers import SECRET, Offer, empty_tables, publish_offers
from tests.factories.web_process import serving

# By adapter.
MODELS: Mapping[str, str] = {
    "anthropic": "claude-sonnet-4-5",
    "openai": "gpt-5-mini",
    "google": "gemini-3-flash",
}


@dataclass(frozen=True, slots=True)
class WireSite:
    """The site's address, a key of its only tenant, and the provider behind every model."""

    url: str
    key: str
    server: WireServer
    log: Path

    def sent(self) -> dict[str, Any]:
        """Return the last body that reached a provider."""
        return self.server.received[-1].body


@contextmanager
def running_wire_site(
    folder: Path, *, aliases: Mapping[str, Sequence[str]] | None = None
) -> Iterator[WireSite]:
    """Publish and serve until the block ends, then empty the data base; `aliases` are of models.

    The tests of such a module bear the marks `django_db` and `keeps_redis`.
    """
    if connection.settings_dict["NAME"] == database_settings(settings.DATABASE_URL)["NAME"]:
        raise AssertionError("without the mark django_db this would be no data base of tests")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
    with running_wire_server(secret=SECRET) as server:
        try:
            offers = [Offer(kind, name, server.url_of(kind)) for kind, name in MODELS.items()]
            key, port = publish_offers(offers, aliases=aliases).key, _free_port()
            with serving(port, folder, workers=1):
                _wait_until_ready(port)
                yield WireSite(f"http://127.0.0.1:{port}", key, server, folder / "web.log")
        finally:
            empty_tables()
