"""A served site with one model of each provider, all of them simulated on one real socket."""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from apps.api_keys.services import create_key
from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants
from apps.providers.credentials import create_credential
from apps.providers.models import Deployment, LlmModel, Price, Provider
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from apps.routing import route_manager
from apps.tenants.models import Tenant
from apps.tenants.services import create_project, create_tenant
from apps.usage.journal import process_journal
from router_project.addresses import database_settings
from tests.factories.demo_site import _free_port, _wait_until_ready
from tests.factories.routing import make_alias
from tests.factories.web_process import serving

SECRET = "secret-of-the-provider-1234"
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
# By adapter.
MODELS: Mapping[str, str] = {
    "anthropic": "claude-sonnet-4-5",
    "openai": "gpt-5-mini",
    "google": "gemini-3-flash",
}
CAPABILITIES = dict.fromkeys(
    ("streaming", "tools", "vision", "files", "json_schema", "reasoning"), "yes"
)


@dataclass(frozen=True, slots=True)
class WireSite:
    """The site's address, a key of its only tenant, and the provider behind every model."""

    url: str
    key: str
    server: WireServer
    log: Path

    def sent(self) -> dict[str, Any]:
        """Return the last body that reached a provider."""
        return self.server.received[-1].body


@contextmanager
def running_wire_site(
    folder: Path, *, aliases: Mapping[str, str] | None = None
) -> Iterator[WireSite]:
    """Publish and serve until the block ends, then empty the data base; `aliases` are of models.

    The tests of such a module bear the marks `django_db` and `keeps_redis`.
    """
    if connection.settings_dict["NAME"] == database_settings(settings.DATABASE_URL)["NAME"]:
        raise AssertionError("without the mark django_db this would be no data base of tests")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
    with running_wire_server(secret=SECRET) as server:
        try:
            key, port = _publish(server, aliases or {}), _free_port()
            with serving(port, folder, workers=1):
                _wait_until_ready(port)
                yield WireSite(f"http://127.0.0.1:{port}", key, server, folder / "web.log")
        finally:
            _empty_tables()


def _publish(server: WireServer, aliases: Mapping[str, str]) -> str:
    mark = uuid4().hex[:8]
    with all_tenants("tests"):
        tenant = create_tenant(slug=f"wire-{mark}", name="Wire", actor=SYSTEM)
        project = create_project(tenant_id=tenant.id, slug="wire", name="Wire", actor=SYSTEM)
        for adapter, name in MODELS.items():
            _deploy(tenant, adapter, name, server.url_of(adapter))
        for name, model in aliases.items():
            make_alias(tenant, name, (model,))
        created = create_key(project=project, name="Wire", actor=SYSTEM)
        route_manager.publish(tenant_id=None, actor=SYSTEM, comment="Wire")
        route_manager.publish(tenant_id=tenant.id, actor=SYSTEM, comment="Wire")
    process_journal().close()
    return created.clear


def _deploy(tenant: Tenant, adapter: str, name: str, base_url: str) -> None:
    provider = Provider.objects.create(slug=f"wire-{adapter}", name=adapter, adapter=adapter)
    model = LlmModel.objects.create(
        name=name,
        provider=provider,
        context_window=200_000,
        max_output_tokens=64_000,
        capabilities=CAPABILITIES,
    )
    Price.objects.create(
        llm_model=model, effective_from=LONG_AGO, input_price=1_000_000, output_price=2_000_000
    )
    credential = create_credential(
        actor=SYSTEM, provider=provider, name=adapter, secret=SECRET, tenant_id=tenant.id
    )
    Deployment.objects.create(
        tenant=tenant, name=adapter, llm_model=model, base_url=base_url, credential=credential
    )


def _empty_tables() -> None:
    """Leave nothing to the tests of other modules, as pytest-django does after each test."""
    call_command(
        "flush",
        verbosity=0,
        interactive=False,
        reset_sequences=False,
        allow_cascade=False,
        inhibit_post_migrate=True,
    )
