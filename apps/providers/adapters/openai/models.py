"""The models that an OpenAI-compatible server lists, by the official client."""

import openai

from apps.providers.adapters.base import AttemptError, Connection
from apps.providers.adapters.failures import attempt_error
from apps.providers.adapters.openai.requests import DEFAULT_BASE_URL
from apps.providers.adapters.sdk import KEYLESS, LISTING_SECONDS, listed, shared_client


async def list_models(connection: Connection) -> list[str]:
    """Return the names that the server gives its models; raises AttemptError."""
    client = openai.AsyncOpenAI(
        api_key=connection.secret or KEYLESS,
        base_url=connection.base_url or DEFAULT_BASE_URL,
        max_retries=0,
        timeout=LISTING_SECONDS,
        http_client=shared_client(),
    )
    try:
        return await listed(model.id async for model in client.models.list())
    except openai.APIStatusError as error:
        secret = connection.secret
        raise attempt_error(error.status_code, error.message, secret=secret) from error
    except openai.APIError as error:
        raise AttemptError("unavailable", "the provider's list cannot be read") from error
