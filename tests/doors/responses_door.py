"""A served site whose one model a simulated provider serves, asked through the Responses door."""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis
from django.conf import settings
from django.core.management import call_command
from openai import OpenAI
from openai.types.responses import Response

from apps.api_keys.services import create_key
from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants
from apps.providers.credentials import create_credential
from apps.providers.models import Deployment, LlmModel, Price, Provider
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from apps.routing import route_manager
from apps.routing.models import Grant
from apps.tenants.models import Project
from apps.tenants.services import create_project, create_tenant
from apps.usage.journal import process_journal
from tests.factories.demo_site import _free_port, _wait_until_ready
from tests.factories.web_process import serving

SECRET = "secret-of-the-provider-1234"
MODEL = "claude-sonnet-4-5"
# The wires behind the door: add one here when its adapter gives whole answers in neutral form.
PROVIDERS = ("anthropic",)
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
NEEDS = ("streaming", "tools", "vision", "files", "json_schema", "reasoning")
TOOLS: list[Any] = [
    {
        "type": "function",
        "name": name,
        "description": f"calls {name}",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    for name in ("get_weather", "get_time")
]


@dataclass(frozen=True, slots=True)
class ResponsesDoor:
    """The official client of one key, and the provider behind the site."""

    client: OpenAI
    provider: WireServer
    project: Project
    address: str

    def ask(self, *, is_streamed: bool = False, **fields: Any) -> Response:
        """Return the response, put together by the client if it was streamed."""
        asked: dict[str, Any] = {"model": MODEL, "input": "Is it sunny?", **fields}
        if not is_streamed:
            whole: Response = self.client.responses.create(**asked)
            return whole
        with self.client.responses.stream(**asked) as stream:
            stream.until_done()
            final: Response = stream.get_final_response()
            return final

    def events(self, **fields: Any) -> list[Any]:
        """Return the events of a streamed response as they come."""
        asked: dict[str, Any] = {"model": MODEL, "input": "Is it sunny?", **fields}
        return list(self.client.responses.create(**asked, stream=True))

    def sent(self) -> dict[str, Any]:
        """Return the last body that reached the provider."""
        return self.provider.received[-1].body

    @contextmanager
    def other_client(self, **project: Any) -> Iterator[OpenAI]:
        """A client of another project: of another tenant, unless one is given."""
        key = make_key_of(publish_tenant(**project))
        with OpenAI(base_url=self.address, api_key=key, max_retries=0) as client:
            yield client


@contextmanager
def running_door(folder: Path, adapter: str) -> Iterator[ResponsesDoor]:
    """Serve until the block ends."""
    with ExitStack() as stack:
        provider = stack.enter_context(running_wire_server(secret=SECRET))
        _publish_model(adapter, provider.url_of(adapter))
        project = publish_tenant()
        key, port = make_key_of(project), _free_port()
        stack.enter_context(serving(port, folder, workers=1))
        _wait_until_ready(port)
        address = f"http://127.0.0.1:{port}/v1"
        client = stack.enter_context(OpenAI(base_url=address, api_key=key, max_retries=0))
        yield ResponsesDoor(client, provider, project, address)


@contextmanager
def emptied_afterwards() -> Iterator[None]:
    """Leave neither rows nor keys to the tests after a module."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield
        client.flushdb()
    call_command("flush", verbosity=0, interactive=False, reset_sequences=False)


def publish_tenant(*, tenant_id: Any = None, store_content: bool = True) -> Project:
    """Create a project, in a tenant of its own unless one is given."""
    mark = uuid4().hex[:8]
    with all_tenants("tests"):
        if tenant_id is None:
            tenant_id = create_tenant(slug=f"door-{mark}", name="Door", actor=SYSTEM).id
        project = create_project(tenant_id=tenant_id, slug=f"p-{mark}", name="Door", actor=SYSTEM)
        project.store_content = store_content
        project.save()
        Grant.objects.get_or_create(tenant_id=tenant_id, llm_model=LlmModel.objects.get(name=MODEL))
        route_manager.publish(tenant_id=tenant_id, actor=SYSTEM, comment="Door")
    process_journal().close()
    return project


def make_key_of(project: Project, **fields: Any) -> str:
    """Create a key; return it in clear."""
    with all_tenants("tests"):
        return create_key(project=project, name="Door", actor=SYSTEM, **fields).clear


def _publish_model(adapter: str, base_url: str) -> None:
    """Let the platform serve the model to every tenant."""
    with all_tenants("tests"):
        provider = Provider.objects.create(slug=f"door-{adapter}", name="Door", adapter=adapter)
        model = LlmModel.objects.create(
            name=MODEL,
            provider=provider,
            context_window=200_000,
            max_output_tokens=64_000,
            capabilities=dict.fromkeys(NEEDS, "yes"),
        )
        Price.objects.create(
            llm_model=model, effective_from=LONG_AGO, input_price=1_000_000, output_price=2_000_000
        )
        credential = create_credential(
            actor=SYSTEM, provider=provider, name="door", secret=SECRET, tenant_id=None
        )
        Deployment.objects.create(
            name="door", llm_model=model, base_url=base_url, credential=credential
        )
        route_manager.publish(tenant_id=None, actor=SYSTEM, comment="Door")
