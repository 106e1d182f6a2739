"""The models that Anthropic lists, by its official client."""

import anthropic

from apps.providers.adapters.base import Connection
from apps.providers.adapters.registry import address_of
from apps.providers.adapters.sdk import list_by, listing_options


async def list_models(connection: Connection) -> list[str]:
    """Return the names of all models; raises AttemptError."""
    address = address_of(connection)
    client = anthropic.AsyncAnthropic(base_url=address, **listing_options(connection))
    return await list_by(anthropic, client, connection)
