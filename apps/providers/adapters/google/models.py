"""The models that Gemini lists, by the official client."""

from collections.abc import AsyncIterator

from google.genai import errors

from apps.providers.adapters.base import Connection, Timeouts
from apps.providers.adapters.google.client import client_for
from apps.providers.adapters.google.errors import error_of
from apps.providers.adapters.pace import Pace
from apps.providers.adapters.sdk import LISTING_SECONDS, listed

PREFIX = "models/"


async def list_models(connection: Connection) -> list[str]:
    """Return the names of all models, page by page; raises AttemptError."""
    pace = Pace(Timeouts(total=LISTING_SECONDS), is_streamed=False)
    try:
        return await listed(_names(connection))
    except errors.APIError as error:
        raise error_of(error, pace=pace, secret=connection.secret) from error


async def _names(connection: Connection) -> AsyncIterator[str]:
    async for model in await client_for(connection).aio.models.list():
        yield (model.name or "").removeprefix(PREFIX)
