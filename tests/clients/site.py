"""A served site with the models that the judges ask for: one for every wire and script."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from tests.clients.judges import judging
from tests.factories.demo_site import _free_port, _wait_until_ready
from tests.factories.offers import SECRET, Offer, publish_offers
from tests.factories.web_process import serving


@dataclass(frozen=True, slots=True)
class JudgedSite:
    """Where the judge goes, with which key; the provider behind it, and the web's log."""

    url: str
    key: str
    provider: WireServer
    log: Path


@contextmanager
def judged_site(folder: Path) -> Iterator[JudgedSite]:
    """Publish and serve until the block ends."""
    with running_wire_server(secret=SECRET) as provider:
        key, port = publish_offers(_offers(provider), store_content=True).key, _free_port()
        with serving(port, folder, workers=1):
            _wait_until_ready(port)
            yield JudgedSite(f"http://127.0.0.1:{port}", key, provider, folder / "web.log")


def _offers(provider: WireServer) -> Iterator[Offer]:
    for wire, model in judging.MODELS.items():
        url = provider.url_of(wire)
        for script in judging.SCRIPTS:
            upstream = f"{model}+script.{script}"
            for name in _names(script):
                yield Offer(wire, judging.name_of(wire, name), url, upstream)
    for wire, model in judging.VECTOR_MODELS.items():
        yield Offer(wire, model, provider.url_of(wire), makes_vectors=True)


def _names(script: str) -> Iterator[str]:
    yield script
    if script in judging.FAILURES:
        yield f"{script}/{judging.AGAIN}"
        for dialect in judging.DIALECTS:
            yield f"{script}/{dialect}"
            yield f"{script}/{dialect}/{judging.AGAIN}"
