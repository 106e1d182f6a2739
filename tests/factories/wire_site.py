"""A served site whose models are reached over any wires, at one simulated provider."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from django.conf import settings

from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.factories.offers import SECRET, Offer, publish_offers
from tests.factories.web_process import LOG, serving


@dataclass(frozen=True, slots=True)
class WireSite:
    """Where clients go, with which key; the provider behind every model, and the web's log."""

    address: str
    key: str
    provider: WireServer
    log: Path

    def sent(self) -> dict[str, Any]:
        """Return the last body that reached the provider."""
        return self.provider.received[-1].body


@contextmanager
def wire_site(
    folder: Path,
    offers: Callable[[WireServer], Iterable[Offer]],
    *,
    aliases: Mapping[str, Sequence[str]] | None = None,
    store_content: bool = False,
) -> Iterator[WireSite]:
    """Publish what is offered and serve until the block ends.

    What sites of other tests have left in Redis is gone then.
    """
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
    with running_wire_server(secret=SECRET) as provider:
        made = publish_offers(offers(provider), aliases=aliases, store_content=store_content)
        with serving(folder) as address:
            yield WireSite(address, made.key, provider, folder / LOG)
