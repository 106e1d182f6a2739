"""A served site whose models are reached over every provider's wire, at simulated providers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import redis
from django.conf import settings

from apps.providers.wire_servers.habits import HABITS
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from apps.tenants.models import Project, Tenant
from tests.factories.offers import SECRET, Offer, publish_offers
from tests.factories.web_process import LOG, serving

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
# Beside them: a wire that is retired, and servers that resemble OpenAI by their kind.
OTHER_MODELS: Mapping[str, str] = {
    "palm": "text-bison-001",
    "vllm": "qwen3-8b",
    "mistral": "mistral-large-latest",
}
ALL_MODELS = {**MODELS, **OTHER_MODELS}


@dataclass(frozen=True, slots=True)
class RoutedSite:
    """Where clients go, with which key, and the providers that they reach.

    `provider` serves every vendor's wire, `kinds` are servers that resemble OpenAI; what the web
    process has to say is in `log`.
    """

    address: str
    key: str
    provider: WireServer
    kinds: Mapping[str, WireServer]
    tenant: Tenant
    project: Project
    log: Path
    _spares: Mapping[str, Iterator[str]]

    def spare(self, model: str) -> str:
        """Return a double that nobody has used: what failed in another test rests for a while."""
        return next(self._spares[model])

    def server_of(self, wire: str) -> WireServer:
        """Return who serves a wire, or a kind of server."""
        return self.kinds.get(wire, self.provider)

    def forget(self) -> None:
        """Let all providers forget the test before."""
        for server in (self.provider, *self.kinds.values()):
            server.forget()


@contextmanager
def routed_site(
    folder: Path,
    *,
    models: Mapping[str, str] = MODELS,
    spares: int = SPARES,
    server: str = "granian",
    log_level: str = "ERROR",
    store_content: bool = False,
    aliases: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[RoutedSite]:
    """Serve a tenant with a chat model per wire, and a vector model where the wire has them.

    What sites of other tests have left in Redis is gone then.
    """
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
    with ExitStack() as stack:
        provider = stack.enter_context(running_wire_server(secret=SECRET))
        kinds = {
            kind: stack.enter_context(running_wire_server(secret=SECRET, habits=HABITS[kind]))
            for kind in filter(_is_kind, models)
        }
        offers = _offers(models, {wire: kinds.get(wire, provider) for wire in models}, spares)
        made = publish_offers(offers, store_content=store_content, aliases=aliases)
        address = stack.enter_context(serving(folder, server=server, log_level=log_level))
        names = (*models.values(), *VECTOR_MODELS.values())
        yield RoutedSite(
            address=address,
            key=made.key,
            provider=provider,
            kinds=kinds,
            tenant=made.tenant,
            project=made.project,
            log=folder / LOG,
            _spares={model: iter(_spares(model, spares)) for model in names},
        )


def _offers(
    models: Mapping[str, str], servers: Mapping[str, WireServer], spares: int
) -> Iterator[Offer]:
    for wire, model in models.items():
        adapter = "openai" if _is_kind(wire) else wire
        offer = Offer(
            adapter,
            model,
            servers[wire].url_of(adapter),
            upstream_model=model,
            server_kind=wire if _is_kind(wire) else "",
        )
        yield from _with_spares(offer, spares)
        if wire in VECTOR_MODELS:
            name = VECTOR_MODELS[wire]
            vectors = replace(offer, name=name, upstream_model=name, makes_vectors=True)
            yield from _with_spares(vectors, spares)


def _is_kind(wire: str) -> bool:
    """Say whether this names a server that resembles OpenAI; the vendor itself is a wire."""
    return wire in HABITS and wire != "openai"


def _with_spares(offer: Offer, count: int) -> Iterator[Offer]:
    yield offer
    for name in _spares(offer.name, count):
        yield replace(offer, name=name)


def _spares(model: str, count: int) -> Sequence[str]:
    return [f"{model}-spare-{number}" for number in range(count)]
