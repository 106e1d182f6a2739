"""The models that Gemini lists, by the official client."""

import asyncio

from google.genai import errors

from apps.providers.adapters.base import AttemptError, Connection, Timeouts
from apps.providers.adapters.google.client import client_for
from apps.providers.adapters.google.errors import error_of
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.sdk import LISTING_SECONDS

PREFIX = "models/"


async def list_models(connection: Connection) -> list[str]:
    """Return the names of all models, page by page; raises AttemptError."""
    pace = Pace(Timeouts(total=LISTING_SECONDS), is_streamed=False)
    try:
        async with asyncio.timeout(LISTING_SECONDS):
            pages = await client_for(connection).aio.models.list()
            return [(model.name or "").removeprefix(PREFIX) async for model in pages]
    except errors.APIError as error:
        raise error_of(error, pace=pace, secret=connection.secret) from error
    except TimeoutError as error:
        raise AttemptError("timeout", "the provider's list did not come in time") from error
