"""Which models a credential may use: asked of its provider, compared with the catalogue."""

import asyncio
from dataclasses import dataclass

from apps.core.errors import InvalidRequest
from apps.core.outbound import check_destination
from apps.providers.adapters.base import AttemptError, Connection
from apps.providers.adapters.registry import close_adapters, list_models
from apps.providers.credentials import open_secret
from apps.providers.models import Credential, Deployment, LlmModel


@dataclass(frozen=True, slots=True)
class Offered:
    """What a provider lists: deployed with this credential, known to the catalogue, or unknown."""

    deployed: tuple[str, ...]
    known: tuple[str, ...]
    unknown: tuple[str, ...]


def offered_models(credential: Credential) -> Offered:
    """Ask the provider; raises InvalidRequest (what it answered) or DecryptionFailed."""
    provider = credential.provider
    if provider.base_url:
        check_destination(provider.base_url, param="provider")
    connection = Connection(
        adapter=provider.adapter,
        base_url=provider.base_url,
        upstream_model="",
        secret=open_secret(credential),
        server_kind=provider.server_kind,
    )
    try:
        names = asyncio.run(_ask(connection))
    except AttemptError as error:
        raise InvalidRequest(error.message, param="provider") from error
    return _sorted(credential, names)


async def _ask(connection: Connection) -> list[str]:
    try:
        return await list_models(connection)
    finally:
        await close_adapters()


def _sorted(credential: Credential, names: list[str]) -> Offered:
    rows = Deployment.objects.filter(credential=credential)
    pairs = rows.values_list("upstream_model", "llm_model__name")
    deployed = {upstream or name for upstream, name in pairs}
    catalogue = LlmModel.objects.filter(provider=credential.provider)
    known = set(catalogue.values_list("name", flat=True))
    return Offered(
        deployed=tuple(name for name in names if name in deployed),
        known=tuple(name for name in names if name in known - deployed),
        unknown=tuple(name for name in names if name not in known | deployed),
    )
