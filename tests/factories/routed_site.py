"""A served site whose models are reached over every provider's wire, at one simulated provider."""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from apps.api_keys.services import create_key
from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants
from apps.providers.credentials import create_credential
from apps.providers.enums import Capability
from apps.providers.models import Deployment, LlmModel, Price, Provider
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from apps.routing import route_manager
from apps.tenants.models import Project, Tenant
from apps.tenants.services import create_project, create_tenant
from apps.usage.journal import process_journal
from tests.factories.demo_site import _free_port, _wait_until_ready
from tests.factories.web_process import serving

# What the providers' key looks like: it must turn up nowhere but at the provider.
SECRET = "secret-of-the-provider-1234"
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
SPARES = 40
# The model that stands for each wire.
MODELS: Mapping[str, str] = {
    "openai": "gpt-4.1-mini",
    "anthropic": "claude-sonnet-4-5",
    "google": "gemini-3.5-flash",
}
VECTOR_MODELS: Mapping[str, str] = {
    "openai": "text-embedding-3-small",
    "google": "gemini-embedding-001",
}


@dataclass(frozen=True, slots=True)
class RoutedSite:
    """Where clients go, with which key, and the provider that they reach."""

    address: str
    key: str
    provider: WireServer
    tenant: Tenant
    project: Project
    _spares: Mapping[str, Iterator[str]]

    def spare(self, model: str) -> str:
        """Return a double that nobody has used: what failed in another test rests for a while."""
        return next(self._spares[model])


@contextmanager
def routed_site(folder: Path, **project: Any) -> Iterator[RoutedSite]:
    """Serve a tenant with a chat model per wire, and a vector model where the wire has them."""
    with running_wire_server(secret=SECRET) as provider:
        key, tenant, owner = _publish(provider, project)
        port = _free_port()
        with serving(port, folder, workers=1):
            _wait_until_ready(port)
            models = (*MODELS.values(), *VECTOR_MODELS.values())
            spares = {model: iter(_spares(model)) for model in models}
            yield RoutedSite(f"http://127.0.0.1:{port}", key, provider, tenant, owner, spares)


def _publish(provider: WireServer, fields: Mapping[str, Any]) -> tuple[str, Tenant, Project]:
    with all_tenants("tests"):
        mark = uuid4().hex[:8]
        tenant = create_tenant(slug=f"routed-{mark}", name="Routed", actor=SYSTEM)
        project = create_project(tenant_id=tenant.id, slug="door", name="Door", actor=SYSTEM)
        for name, value in fields.items():
            setattr(project, name, value)
        project.save()
        for models, is_chat in ((MODELS, True), (VECTOR_MODELS, False)):
            for wire, model in models.items():
                for name in (model, *_spares(model)):
                    _offer(tenant, wire, name, provider.url_of(wire), is_chat=is_chat)
        created = create_key(project=project, name="Door", actor=SYSTEM)
        route_manager.publish(tenant_id=None, actor=SYSTEM, comment="Routed")
        route_manager.publish(tenant_id=tenant.id, actor=SYSTEM, comment="Routed")
    process_journal().close()
    return created.clear, tenant, project


def _spares(model: str) -> list[str]:
    return [f"{model}-spare-{number}" for number in range(SPARES)]


def _offer(tenant: Tenant, wire: str, name: str, base_url: str, *, is_chat: bool) -> None:
    """Deploy a model that can do all that its kind can."""
    provider, _ = Provider.objects.get_or_create(
        slug=f"routed-{wire}", defaults={"name": wire, "adapter": wire}
    )
    can = {item: item != "embeddings" if is_chat else item == "embeddings" for item in Capability}
    model = LlmModel.objects.create(
        name=name,
        provider=provider,
        context_window=200_000,
        max_output_tokens=64_000 if is_chat else 1,
        capabilities={str(item): "yes" if it_can else "no" for item, it_can in can.items()},
    )
    Price.objects.create(
        llm_model=model, effective_from=LONG_AGO, input_price=1_000_000, output_price=2_000_000
    )
    credential = create_credential(
        actor=SYSTEM, provider=provider, name=name, secret=SECRET, tenant_id=tenant.id
    )
    Deployment.objects.create(
        tenant=tenant,
        name=name,
        llm_model=model,
        base_url=base_url,
        credential=credential,
        upstream_model=name.partition("-spare-")[0],
    )
