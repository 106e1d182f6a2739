"""The Responses door of a served site, with the official client, and what reaches the provider."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from openai import OpenAI
from openai.types.responses import Response

from apps.api_keys.services import create_key
from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants
from apps.providers.wire_servers.server import WireServer
from apps.tenants.services import create_project, create_tenant
from tests.factories.routed_site import RoutedSite

# The wires behind the door.
PROVIDERS = ("anthropic", "google", "openai")
QUESTION = "Is it sunny?"
TOOLS: list[Any] = [
    {
        "type": "function",
        "name": name,
        "description": f"calls {name}",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    for name in ("get_weather", "get_time")
]


SYSTEM_ROLES = ("system", "developer")


def text_of(turn: dict[str, Any]) -> str:
    """Return what a turn of any wire says."""
    content = turn.get("content") or turn.get("parts") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


@dataclass(frozen=True, slots=True)
class ResponsesDoor:
    """The official client of one key, aimed at one model."""

    client: OpenAI
    site: RoutedSite
    model: str

    @property
    def provider(self) -> WireServer:
        return self.site.provider

    def ask(self, *, is_streamed: bool = False, **fields: Any) -> Response:
        """Return the response, put together by the client if it was streamed."""
        asked: dict[str, Any] = {"model": self.model, "input": QUESTION, **fields}
        if not is_streamed:
            whole: Response = self.client.responses.create(**asked)
            return whole
        with self.client.responses.stream(**asked) as stream:
            stream.until_done()
            final: Response = stream.get_final_response()
            return final

    def events(self, **fields: Any) -> Iterator[Any]:
        """Return the events of a streamed response as they come."""
        asked: dict[str, Any] = {"model": self.model, "input": QUESTION, **fields}
        return iter(self.client.responses.create(**asked, stream=True))

    def sent(self) -> dict[str, Any]:
        """Return the last body that reached the provider."""
        return self.provider.received[-1].body

    def told(self) -> list[str]:
        """Return the texts of the turns that reached the provider, in any wire."""
        return [text_of(turn) for turn in self._turns() if turn["role"] not in SYSTEM_ROLES]

    def system(self) -> str:
        """Return the instructions that reached the provider, in any wire."""
        body = self.sent()
        found = [text_of(turn) for turn in self._turns() if turn["role"] in SYSTEM_ROLES]
        found += [str(body.get("system", "")), text_of(body.get("systemInstruction", {}))]
        return "".join(found)

    def _turns(self) -> list[dict[str, Any]]:
        body = self.sent()
        found: list[dict[str, Any]] = body.get("messages") or body["contents"]
        return found

    @contextmanager
    def other_client(self, *, is_stranger: bool, store_content: bool = True) -> Iterator[OpenAI]:
        """A client of another project, of another tenant if it is a stranger's."""
        with all_tenants("tests"):
            mark = uuid4().hex[:8]
            tenant = self.site.tenant
            if is_stranger:
                tenant = create_tenant(slug=f"other-{mark}", name="Other", actor=SYSTEM)
            project = create_project(
                tenant_id=tenant.id, slug=f"p-{mark}", name="Other", actor=SYSTEM
            )
            project.store_content = store_content
            project.save()
            key = create_key(project=project, name="Other", actor=SYSTEM).clear
        address = f"{self.site.address}/v1"
        with OpenAI(base_url=address, api_key=key, max_retries=0) as client:
            yield client
