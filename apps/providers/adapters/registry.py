"""The wires that the router speaks: one row each, loaded on first use."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import NamedTuple

from apps.core.chat import Dialect
from apps.core.marks import gettext_noop as _
from apps.providers.adapters.base import AttemptError, Connection, ProviderAdapter

FOLDER = "apps.providers.adapters"
EVERYTHING = frozenset(
    {"streaming", "tools", "vision", "audio", "files", "json_schema", "reasoning", "embeddings"}
)


class Signer(NamedTuple):
    """A provider that wants its signed thoughts back: the origin they bear, and its own dialect.

    Clients of this dialect keep them by themselves.
    """

    origin: str
    dialect: Dialect


@dataclass(frozen=True, slots=True)
class Wire:
    """One vendor's wire, whose key in the table names the folder that speaks it.

    `adapter` is the class in the folder's `adapter.py` (by name, because the vendors' SDKs behind
    some of them take seconds to import); `base_url` is the vendor's own service. `carried` is what
    of a request the wire carries today: a model's own capability counts only where its wire carries
    it, so that nothing is lost silently. `lists_models`: the folder's `models.py` asks the provider
    which models a key may use. `key_names` are the vendor's names of its key in an environment.
    """

    label: str
    adapter: str
    base_url: str = ""
    carried: frozenset[str] = EVERYTHING
    signer: Signer | None = None
    lists_models: bool = False
    key_names: tuple[str, ...] = ()


WIRES: Mapping[str, Wire] = {
    "openai": Wire(
        _("OpenAI and compatible servers"),
        "OpenAIAdapter",
        "https://api.openai.com/v1",
        lists_models=True,
        key_names=("OPENAI_API_KEY",),
    ),
    "anthropic": Wire(
        _("Anthropic"),
        "AnthropicAdapter",
        "https://api.anthropic.com",
        carried=EVERYTHING - {"audio", "embeddings"},
        signer=Signer("anthropic", "anthropic"),
        lists_models=True,
        key_names=("ANTHROPIC_API_KEY",),
    ),
    "google": Wire(
        _("Google Gemini"),
        "GoogleAdapter",
        "https://generativelanguage.googleapis.com",
        signer=Signer("google", "gemini"),
        lists_models=True,
        key_names=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    ),
    "palm": Wire(
        _("Google PaLM (retired by its vendor)"),
        "PalmAdapter",
        "https://generativelanguage.googleapis.com",
        carried=frozenset({"streaming"}),
    ),
    "simulated": Wire(_("Built-in simulation"), "SimulatedAdapter"),
}


class UnknownAdapter(LookupError):
    """A provider names a wire that this version does not speak."""


@cache
def adapter_for(kind: str) -> ProviderAdapter:
    """Return the one adapter of this process for a wire; raises UnknownAdapter."""
    if kind not in WIRES:
        raise UnknownAdapter(f"no adapter for {kind!r}; known are {', '.join(WIRES)}")
    module = import_module(f"{FOLDER}.{kind}.adapter")
    adapter: ProviderAdapter = getattr(module, WIRES[kind].adapter)()
    return adapter


def address_of(connection: Connection) -> str:
    """Return where a connection leads: the vendor's own service, unless it names another place."""
    return connection.base_url or WIRES[connection.adapter].base_url


def signer_of(kind: str) -> Signer | None:
    """Return whose signed thoughts a wire wants back, None where it has none."""
    return WIRES[kind].signer if kind in WIRES else None


async def list_models(connection: Connection) -> list[str]:
    """Return what a provider calls the models that this key may use; raises AttemptError."""
    if not WIRES[connection.adapter].lists_models:
        raise AttemptError("not_expressible", "this wire lists no models")
    module = import_module(f"{FOLDER}.{connection.adapter}.models")
    found: list[str] = await module.list_models(connection)
    return found


# Where clients are kept that an event loop should close before it ends.
CLOSERS = (
    ("apps.providers.adapters.transport", "close_clients"),
    ("apps.providers.adapters.sdk", "close_sdk_clients"),
)


async def close_adapters() -> None:
    """Close the running event loop's clients, of the wires that this process has used."""
    for module, name in CLOSERS:
        if module in sys.modules:
            await getattr(sys.modules[module], name)()
