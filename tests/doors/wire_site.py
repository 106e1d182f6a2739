"""A served site whose models are scripts of a simulated provider, on the wires of three vendors."""

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from apps.api_keys.services import create_key
from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants
from apps.providers.credentials import create_credential
from apps.providers.models import Deployment, LlmModel, Price, Provider
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from apps.routing import route_manager
from apps.tenants.models import Project, Tenant
from apps.tenants.services import create_project, create_tenant
from apps.usage.journal import process_journal
from tests.factories.demo_site import _free_port, _wait_until_ready
from tests.factories.web_process import serving

SECRET = "secret-of-the-provider-1234"
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
NEEDS = ("streaming", "tools", "vision", "files", "json_schema", "reasoning")
# The wires by the name of their adapter, and a model of each whose name says what it can do.
MODELS = {"openai": "gpt-5", "anthropic": "claude-sonnet-4-5", "google": "gemini-2.5-flash"}


@dataclass(frozen=True, slots=True)
class WireSite:
    """The site and the provider behind it; `name_of` names its models."""

    base_url: str
    key: str
    server: WireServer

    def last_body(self) -> dict[str, Any]:
        """Return what reached the provider last."""
        return self.server.received[-1].body


def name_of(wire: str, script: str = "") -> str:
    """Return the model of a wire that always says a script; without one the provider's plan."""
    return f"{MODELS[wire]}/{script or 'planned'}"


@contextmanager
def running_wire_site(folder: Path, scripts: Iterable[str]) -> Iterator[WireSite]:
    """Publish a model for every wire and script, and serve."""
    with running_wire_server(secret=SECRET) as server:
        key, port = _publish(server, ("", *scripts)), _free_port()
        with serving(port, folder, workers=1):
            _wait_until_ready(port)
            yield WireSite(f"http://127.0.0.1:{port}", key, server)


def _publish(server: WireServer, scripts: Iterable[str]) -> str:
    mark = uuid4().hex[:8]
    with all_tenants("tests"):
        tenant = create_tenant(slug=f"wires-{mark}", name="Wires", actor=SYSTEM)
        project = create_project(tenant_id=tenant.id, slug="wires", name="Wires", actor=SYSTEM)
        for wire in MODELS:
            _add_wire(tenant, server, wire, scripts)
        key = _key(project)
        route_manager.publish(tenant_id=None, actor=SYSTEM, comment="Wires")
        route_manager.publish(tenant_id=tenant.id, actor=SYSTEM, comment="Wires")
    process_journal().close()
    return key


def _key(project: Project) -> str:
    return create_key(project=project, name="Wires", actor=SYSTEM).clear


def _add_wire(tenant: Tenant, server: WireServer, wire: str, scripts: Iterable[str]) -> None:
    provider = Provider.objects.create(slug=f"wire-{wire}", name=wire, adapter=wire)
    for script in scripts:
        # Each its own: a refusal of one takes down what shares it.
        credential = create_credential(
            actor=SYSTEM,
            provider=provider,
            name=f"{wire} {script}",
            secret=SECRET,
            tenant_id=tenant.id,
        )
        model = LlmModel.objects.create(
            name=name_of(wire, script),
            provider=provider,
            context_window=200_000,
            max_output_tokens=64_000,
            capabilities=dict.fromkeys(NEEDS, "yes"),
        )
        Price.objects.create(
            llm_model=model, effective_from=LONG_AGO, input_price=1_000_000, output_price=2_000_000
        )
        Deployment.objects.create(
            tenant=tenant,
            name=f"{wire} {script}",
            llm_model=model,
            upstream_model=f"{MODELS[wire]}+script.{script}" if script else MODELS[wire],
            base_url=server.url_of(wire),
            credential=credential,
        )
