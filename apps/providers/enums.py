"""Choices of the catalogue."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.providers.adapters.registry import WIRES


def wire_choices() -> list[tuple[str, Any]]:
    """Return the wires of the registry: as a function, so that a new one needs no migration."""
    return [(kind, _(wire.label)) for kind, wire in WIRES.items()]


class ServerKind(models.TextChoices):
    """What a server of OpenAI's wire does differently: `adapters/openai/quirks.py`."""

    OPENAI = "openai", "OpenAI"
    AZURE = "azure", "Azure OpenAI"
    MISTRAL = "mistral", "Mistral"
    DEEPSEEK = "deepseek", "DeepSeek"
    GROQ = "groq", "Groq"
    OPENROUTER = "openrouter", "OpenRouter"
    VLLM = "vllm", "vLLM"
    LLAMACPP = "llamacpp", "llama.cpp"
    OLLAMA = "ollama", "Ollama"
    COMPATIBLE = "compatible", _("Another compatible server")


class Lifecycle(models.TextChoices):
    ACTIVE = "active", _("Active")
    DEPRECATED = "deprecated", _("Deprecated")
    RETIRED = "retired", _("Retired")


class Traffic(models.TextChoices):
    """Drain: who is there already stays, nobody new comes."""

    ON = "on", _("On")
    DRAIN = "drain", _("Draining: only conversations that are there already")
    OFF = "off", _("Off")


class Capability(models.TextChoices):
    STREAMING = "streaming", _("Streaming")
    TOOLS = "tools", _("Tools")
    VISION = "vision", _("Images")
    AUDIO = "audio", _("Audio")
    FILES = "files", _("Files")
    JSON_SCHEMA = "json_schema", _("JSON schema")
    REASONING = "reasoning", _("Reasoning")
    EMBEDDINGS = "embeddings", _("Embeddings")


class Support(models.TextChoices):
    YES = "yes", _("Yes")
    NO = "no", _("No")
    UNKNOWN = "unknown", _("Unknown")
