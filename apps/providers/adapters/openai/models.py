"""The models that an OpenAI-compatible server lists, by the official client."""

import openai

from apps.providers.adapters.base import Connection
from apps.providers.adapters.registry import address_of
from apps.providers.adapters.sdk import list_by, listing_options


async def list_models(connection: Connection) -> list[str]:
    """Return the names that the server gives its models; raises AttemptError."""
    address = address_of(connection)
    client = openai.AsyncOpenAI(base_url=address, **listing_options(connection))
    return await list_by(openai, client, connection)
