"""Models that always say one script of a simulated provider, on the wires of three vendors."""

from collections.abc import Iterable, Iterator

from apps.providers.wire_servers.server import WireServer
from tests.factories.offers import Offer

# The wires by the name of their adapter, and a model of each whose name says what it can do.
MODELS = {"openai": "gpt-5", "anthropic": "claude-sonnet-4-5", "google": "gemini-2.5-flash"}


def name_of(wire: str, script: str = "") -> str:
    """Return the model of a wire that always says a script; without one the provider's plan."""
    return f"{MODELS[wire]}/{script or 'planned'}"


def offers_of(scripts: Iterable[str], provider: WireServer) -> Iterator[Offer]:
    """Yield a model for every wire and script, and one for every wire that says what is planned."""
    for wire, model in MODELS.items():
        for script in ("", *scripts):
            upstream = f"{model}+script.{script}" if script else model
            yield Offer(wire, name_of(wire, script), provider.url_of(wire), upstream)
