"""What a provider's count becomes: each wire, and each dialect, has some of its kinds only."""

from dataclasses import replace

from apps.providers.wire_servers.scripts import Tokens
from tests.doors.hearing import Told


def counted_by(provider: str, tokens: Tokens) -> Told:
    """Return the count as far as the provider's wire tells it."""
    counted = Told(
        tokens.input, tokens.output, tokens.cached, tokens.cache_written, tokens.reasoning
    )
    if provider == "google":
        return replace(counted, cache_written=0)
    return replace(counted, reasoning=0) if provider == "anthropic" else counted


def told_as(counted: Told, told: Told | None) -> Told:
    """Return the count in the kinds that the caller's dialect has told."""
    if told is None:
        return counted
    return Told(
        counted.input,
        counted.output,
        None if told.cached is None else counted.cached,
        None if told.cache_written is None else counted.cache_written,
        None if told.reasoning is None else counted.reasoning,
    )
