"""Which adapter speaks which wire: an explicit table, loaded on first use."""

import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import NamedTuple

from apps.core.chat import Dialect
from apps.providers.adapters.base import AttemptError, Connection, ProviderAdapter

# Dotted paths, because the vendors' SDKs behind some of them take seconds to import.
ADAPTERS: Mapping[str, tuple[str, str]] = {
    "openai": ("apps.providers.adapters.openai.adapter", "OpenAIAdapter"),
    "anthropic": ("apps.providers.adapters.anthropic.adapter", "AnthropicAdapter"),
    "google": ("apps.providers.adapters.google.adapter", "GoogleAdapter"),
    "palm": ("apps.providers.adapters.palm.adapter", "PalmAdapter"),
    "simulated": ("apps.providers.adapters.simulated.adapter", "SimulatedAdapter"),
}

# What of a request each wire carries today. A model's own capability counts only where its wire
# carries it: nothing of a request may be lost silently.
EVERYTHING = frozenset(
    {"streaming", "tools", "vision", "audio", "files", "json_schema", "reasoning", "embeddings"}
)
CARRIED: Mapping[str, frozenset[str]] = {
    "openai": EVERYTHING,
    "anthropic": EVERYTHING - {"audio", "embeddings"},
    "google": EVERYTHING,
    "palm": frozenset({"streaming"}),
    "simulated": EVERYTHING,
}


class Signer(NamedTuple):
    """A provider that wants its signed thoughts back: the origin they bear, and its own dialect.

    Clients of this dialect keep them by themselves.
    """

    origin: str
    dialect: Dialect


SIGNERS: Mapping[str, Signer] = {
    "anthropic": Signer("anthropic", "anthropic"),
    "google": Signer("google", "gemini"),
}


# Who can tell which models a key may use; the vendors' own clients ask.
LISTERS: Mapping[str, str] = {
    "openai": "apps.providers.adapters.openai.models",
    "anthropic": "apps.providers.adapters.anthropic.models",
    "google": "apps.providers.adapters.google.models",
}


class UnknownAdapter(LookupError):
    """A provider names a wire that this version does not speak."""


@cache
def adapter_for(kind: str) -> ProviderAdapter:
    """Return the one adapter of this process for a wire; raises UnknownAdapter."""
    if kind not in ADAPTERS:
        raise UnknownAdapter(f"no adapter for {kind!r}; known are {', '.join(ADAPTERS)}")
    module, name = ADAPTERS[kind]
    adapter: ProviderAdapter = getattr(import_module(module), name)()
    return adapter


async def list_models(connection: Connection) -> list[str]:
    """Return what a provider calls the models that this key may use; raises AttemptError."""
    if connection.adapter not in LISTERS:
        raise AttemptError("not_expressible", "this wire lists no models")
    found: list[str] = await import_module(LISTERS[connection.adapter]).list_models(connection)
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
