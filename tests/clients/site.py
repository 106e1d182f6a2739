"""A served site with the models that the judges ask for: one for every wire and script."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from apps.providers.wire_servers.server import WireServer
from tests.clients.judges import judging
from tests.factories.offers import Offer
from tests.factories.wire_site import WireSite, wire_site


def judged_site(folder: Path) -> AbstractContextManager[WireSite]:
    """Publish and serve until the block ends."""
    return wire_site(folder, _offers, store_content=True)


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
