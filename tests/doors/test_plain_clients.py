"""The official `openai` SDK, used plainly: what OpenAI has no field for is not sent back."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from openai import BadRequestError, OpenAI

from apps.api_keys.services import create_key
from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants
from apps.providers.credentials import create_credential
from apps.providers.models import Deployment, LlmModel, Price, Provider
from apps.providers.wire_servers.scripts import THOUGHT, signature_of
from apps.providers.wire_servers.server import WireServer
from apps.providers.wire_servers.threaded import running_wire_server
from apps.routing import route_manager
from apps.routing.models import Rule, RuleSet, RuleTarget
from apps.tenants.services import create_project, create_tenant
from apps.usage.journal import process_journal
from tests.factories.web_process import serving

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "secret-of-the-provider-1234"
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
MODEL = "claude-sonnet-4-5"
QUESTION: dict[str, Any] = {"role": "user", "content": "Is it sunny in São Paulo?"}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
]


@dataclass(frozen=True, slots=True)
class Door:
    client: OpenAI
    server: WireServer

    def ask(self, *messages: Any, is_streamed: bool, **fields: Any) -> Any:
        """Return the message of an answer, put together if it was streamed."""
        asked: dict[str, Any] = {
            "model": MODEL,
            "messages": list(messages),
            "tools": TOOLS,
            "reasoning_effort": "high",
            **fields,
        }
        if not is_streamed:
            return self.client.chat.completions.create(**asked).choices[0].message
        with self.client.chat.completions.stream(**asked) as stream:
            stream.until_done()
            return stream.get_final_completion().choices[0].message


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with running_wire_server(secret=SECRET) as server:
        key = _publish(server.url_of("anthropic"))
        with (
            serving(tmp_path) as address,
            OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client,
        ):
            yield Door(client, server)


def test_oa23__tool_loop_of_a_plain_client__goes_on_thinking(door: Door) -> None:
    for is_streamed in (False, True):
        door.server.plan("thinking_tools", "thinking_tools", "text")
        history: list[Any] = [QUESTION]
        for _turn in range(2):
            history += _as_plain_clients_send_it(door.ask(*history, is_streamed=is_streamed))
        assert door.ask(*history, is_streamed=is_streamed).content
        assert not any(received.refusal for received in door.server.received)
        sent = door.server.received[-1].body
        assert sent["thinking"]["type"] == "enabled"
        called = [each["content"] for each in sent["messages"] if each["role"] == "assistant"]
        thought = {"type": "thinking", "thinking": THOUGHT, "signature": signature_of(THOUGHT)}
        assert [content[0] for content in called] == [thought, thought]


def _as_plain_clients_send_it(message: Any) -> list[Any]:
    """Return the turn in the fields of OpenAI's own reference, and the results of its tools."""
    calls = [call.model_dump(include={"id", "type", "function"}) for call in message.tool_calls]
    for call in calls:
        call["function"] = {name: call["function"][name] for name in ("name", "arguments")}
    turn = {"role": "assistant", "content": message.content, "tool_calls": calls}
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "sunny"} for call in calls]
    return [turn, *results]


def test_x3__route_that_wants_no_loss__is_a_400_by_name_before_the_call(door: Door) -> None:
    asked: dict[str, Any] = {"model": MODEL, "messages": [QUESTION], "seed": 5}
    raw = door.client.chat.completions.with_raw_response.create(**asked)
    assert raw.headers["x-router-dropped"] == "seed"
    calls = len(door.server.received)
    for is_streamed in (False, True):
        with pytest.raises(BadRequestError) as refused:
            door.client.chat.completions.create(
                **asked, stream=is_streamed, extra_body={"metadata": {"tags": "strict"}}
            )
        assert refused.value.param == "seed"
    assert len(door.server.received) == calls


def _publish(base_url: str) -> str:
    """Create a tenant whose one model this provider serves; return a key in clear."""
    mark = uuid4().hex[:8]
    with all_tenants("tests"):
        tenant = create_tenant(slug=f"plain-{mark}", name="Plain", actor=SYSTEM)
        project = create_project(tenant_id=tenant.id, slug="plain", name="Plain", actor=SYSTEM)
        provider = Provider.objects.create(slug=f"plain-{mark}", name="P", adapter="anthropic")
        model = LlmModel.objects.create(
            name=MODEL,
            provider=provider,
            context_window=200_000,
            max_output_tokens=64_000,
            capabilities=dict.fromkeys(("streaming", "tools", "reasoning"), "yes"),
        )
        Price.objects.create(
            llm_model=model, effective_from=LONG_AGO, input_price=1_000_000, output_price=2_000_000
        )
        credential = create_credential(
            actor=SYSTEM, provider=provider, name="plain", secret=SECRET, tenant_id=tenant.id
        )
        Deployment.objects.create(
            tenant=tenant, name="plain", llm_model=model, base_url=base_url, credential=credential
        )
        strict = Rule.objects.create(
            tenant=tenant,
            rule_set=RuleSet.objects.create(tenant=tenant, name="Strict"),
            name="Strict",
            conditions={"all": [{"field": "tag", "operator": "has", "value": "strict"}]},
            on_unsupported="refuse",
        )
        RuleTarget.objects.create(tenant=tenant, rule=strict, llm_model=model)
        created = create_key(project=project, name="Plain", actor=SYSTEM)
        route_manager.publish(tenant_id=None, actor=SYSTEM, comment="Plain")
        route_manager.publish(tenant_id=tenant.id, actor=SYSTEM, comment="Plain")
    process_journal().close()
    return created.clear
