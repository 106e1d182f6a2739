"""A served site whose models are scripts of a simulated provider, on the wires of three vendors."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.factories.demo_site import _free_port, _wait_until_ready
from tests.factories.offers import SECRET, Offer, publish_offers
from tests.factories.web_process import serving

# The wires by the name of their adapter, and a model of each whose name says what it can do.
MODELS = {"openai": "gpt-5", "anthropic": "claude-sonnet-4-5", "google": "gemini-2.5-flash"}


@dataclass(frozen=True, slots=True)
class WireSite:
    """The site and the provider behind it; `name_of` names its models."""

    base_url: str
    key: str
    server: WireServer

    def last_body(self) -> dict[str, Any]:
        """Return what reached the provider last."""
        return self.server.received[-1].body


def name_of(wire: str, script: str = "") -> str:
    """Return the model of a wire that always says a script; without one the provider's plan."""
    return f"{MODELS[wire]}/{script or 'planned'}"


@contextmanager
def running_wire_site(folder: Path, scripts: Iterable[str]) -> Iterator[WireSite]:
    """Publish a model for every wire and script, and serve."""
    with running_wire_server(secret=SECRET) as server:
        offers = _offers(server, ("", *scripts))
        key, port = publish_offers(offers).key, _free_port()
        with serving(port, folder, workers=1):
            _wait_until_ready(port)
            yield WireSite(f"http://127.0.0.1:{port}", key, server)


def _offers(server: WireServer, scripts: Iterable[str]) -> Iterator[Offer]:
    for wire, model in MODELS.items():
        for script in scripts:
            upstream = f"{model}+script.{script}" if script else model
            yield Offer(wire, name_of(wire, script), server.url_of(wire), upstream)
