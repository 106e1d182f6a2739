"""A served site whose models are reached over every provider's wire, at one simulated provider."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from apps.tenants.models import Project, Tenant
from tests.factories.demo_site import _free_port, _wait_until_ready
from tests.factories.offers import SECRET, Offer, publish_offers
from tests.factories.web_process import serving

SPARES = 40
# The model that stands for each wire.
MODELS: Mapping[str, str] = {
    "openai": "gpt-4.1-mini",
    "anthropic": "claude-sonnet-4-5",
    "google": "gemini-3.5-flash",
}
VECTOR_MODELS: Mapping[str, str] = {
    "openai": "text-embedding-3-small",
    "google": "gemini-embedding-001",
}


@dataclass(frozen=True, slots=True)
class RoutedSite:
    """Where clients go, with which key, and the provider that they reach."""

    address: str
    key: str
    provider: WireServer
    tenant: Tenant
    project: Project
    _spares: Mapping[str, Iterator[str]]

    def spare(self, model: str) -> str:
        """Return a double that nobody has used: what failed in another test rests for a while."""
        return next(self._spares[model])


@contextmanager
def routed_site(
    folder: Path, *, store_content: bool = False, server: str = "granian"
) -> Iterator[RoutedSite]:
    """Serve a tenant with a chat model per wire, and a vector model where the wire has them."""
    with running_wire_server(secret=SECRET) as provider:
        made = publish_offers(_offers(provider), store_content=store_content)
        port = _free_port()
        with serving(port, folder, workers=1, server=server):
            _wait_until_ready(port)
            models = (*MODELS.values(), *VECTOR_MODELS.values())
            spares = {model: iter(_spares(model)) for model in models}
            address = f"http://127.0.0.1:{port}"
            yield RoutedSite(address, made.key, provider, made.tenant, made.project, spares)


def _offers(provider: WireServer) -> Iterator[Offer]:
    for models, makes_vectors in ((MODELS, False), (VECTOR_MODELS, True)):
        for wire, model in models.items():
            for name in (model, *_spares(model)):
                url = provider.url_of(wire)
                yield Offer(wire, name, url, upstream_model=model, makes_vectors=makes_vectors)


def _spares(model: str) -> list[str]:
    return [f"{model}-spare-{number}" for number in range(SPARES)]
