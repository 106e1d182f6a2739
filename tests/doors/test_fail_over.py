"""Over real sockets: one of two providers dies, comes back, or breaks off in mid-stream."""

import asyncio
import datetime as dt
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import openai
import pytest
from openai import OpenAI

from apps.api_keys.services import create_key
from apps.audit.types import SYSTEM
from apps.core.scoping import all_tenants
from apps.providers.models import Deployment, LlmModel, Price, Provider
from apps.routing import route_manager
from apps.tenants.services import create_project, create_tenant
from apps.usage.journal import process_journal
from apps.usage.models import LedgerEntry, RequestLog
from apps.usage.writer import UsageWriter
from tests.factories.provider_server import ProviderServer, running_provider
from tests.factories.usage import drain
from tests.factories.web_process import serving
from tests.load.client import request_bytes, run_requests

pytestmark = pytest.mark.django_db(transaction=True)

IS_FULL = os.environ.get("TEST_SCALE") == "full"
REQUESTS = 10_000 if IS_FULL else 1_500
CONNECTIONS = 16
BACK_SECONDS = 30.0
# The longest patience with a first token, and some for a busy machine.
HANG_UP_SECONDS = 20.0
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
BODY = {"model": "twice", "messages": [{"role": "user", "content": "A short question, please?"}]}


@dataclass(frozen=True, slots=True)
class Pair:
    """A site whose model `twice` is served by two providers."""

    address: str
    key: str
    first: ProviderServer
    second: ProviderServer

    def statuses(self, count: int) -> Counter[int]:
        request = request_bytes("/v1/chat/completions", json.dumps(BODY).encode(), self.key)
        port = int(self.address.rpartition(":")[2])
        found = run_requests(port, request, connections=CONNECTIONS, count=count)
        return Counter(asyncio.run(found))

    def client(self) -> OpenAI:
        return OpenAI(base_url=f"{self.address}/v1", api_key=self.key, max_retries=0)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Both providers well, two workers serving."""
    with running_provider() as first, running_provider() as second:
        key = _publish(first, second)
        with serving(tmp_path, workers=2) as address:
            yield Pair(address, key, first, second)


def test_provider__dead__costs_few_calls_and_no_answers(
    pair: Pair, record_property: Callable[[str, object], None]
) -> None:
    pair.statuses(200)
    pair.first.mode = "dead"
    before = pair.first.calls + pair.second.calls
    statuses = pair.statuses(REQUESTS)
    calls = pair.first.calls + pair.second.calls - before
    record_property("calls_per_request", calls / REQUESTS)
    assert statuses[200] >= 0.999 * REQUESTS
    assert calls <= 1.1 * REQUESTS


def test_provider__back_again__gets_its_traffic_within_30_seconds(
    pair: Pair, record_property: Callable[[str, object], None]
) -> None:
    pair.first.mode = "dead"
    pair.statuses(300)
    pair.first.mode = "well"
    begun = time.monotonic()
    share = 0.0
    while share < 0.2 and time.monotonic() - begun < BACK_SECONDS:
        before = pair.first.calls
        assert pair.statuses(100) == {200: 100}
        share = (pair.first.calls - before) / 100
    record_property("seconds_until_back", time.monotonic() - begun)
    assert share >= 0.2


def test_stream__cut_by_its_provider__ends_with_an_error_and_is_booked(pair: Pair) -> None:
    pair.statuses(100)
    pair.first.mode = pair.second.mode = "cut"
    before = pair.first.calls + pair.second.calls
    words: list[str] = []
    with pytest.raises(openai.APIError) as told:
        read_words(pair, words)
    assert "".join(words).startswith("A short ")
    assert "broke off" in str(told.value)
    calls = pair.first.calls + pair.second.calls - before
    assert calls == 1, "nothing is asked again after the first byte"
    row, entries = newest_in_the_books()
    assert (row.status, row.is_streamed) == ("cut", True)
    assert [(entry.status, entry.is_estimated) for entry in entries] == [("cut", True)]
    assert row.cost == sum(entry.cost for entry in entries) > 0
    assert row.output_tokens > 0


def test_provider__silent__is_hung_up_on_while_the_other_answers(pair: Pair) -> None:
    pair.first.mode = "silent"
    for _ in range(4):
        words: list[str] = []
        begun = time.monotonic()
        read_words(pair, words)
        assert "".join(words) == "A short answer of a few words."
        assert time.monotonic() - begun < HANG_UP_SECONDS


def read_words(pair: Pair, words: list[str]) -> None:
    """Stream an answer with the official client, noting the words as they come."""
    with pair.client() as client:
        stream = client.chat.completions.create(
            model="twice", messages=[{"role": "user", "content": "Hello"}], stream=True
        )
        for chunk in stream:
            words.extend(choice.delta.content or "" for choice in chunk.choices)


def newest_in_the_books() -> tuple[RequestLog, list[LedgerEntry]]:
    """Write what is on its way to the books; return the last request with what it cost."""
    drain(UsageWriter())
    with all_tenants("tests"):
        row = RequestLog.objects.latest("at")
        return row, list(LedgerEntry.objects.filter(request_id=row.id))


def _publish(first: ProviderServer, second: ProviderServer) -> str:
    """Create a tenant with one model on two providers' deployments; return a key in clear."""
    mark = uuid4().hex[:8]
    with all_tenants("tests"):
        tenant = create_tenant(slug=f"pair-{mark}", name="Pair", actor=SYSTEM)
        project = create_project(tenant_id=tenant.id, slug="pair", name="Pair", actor=SYSTEM)
        provider = Provider.objects.create(slug=f"pair-{mark}", name="Pair", adapter="openai")
        capabilities = {"streaming": "yes"}
        model = LlmModel.objects.create(
            name="twice",
            provider=provider,
            context_window=8_000,
            max_output_tokens=1_000,
            capabilities=capabilities,
        )
        Price.objects.create(
            llm_model=model, effective_from=LONG_AGO, input_price=1_000_000, output_price=2_000_000
        )
        for name, server in (("first", first), ("second", second)):
            Deployment.objects.create(
                tenant=tenant, name=name, llm_model=model, base_url=server.base_url
            )
        created = create_key(project=project, name="Pair", actor=SYSTEM)
        route_manager.publish(tenant_id=None, actor=SYSTEM, comment="Pair")
        route_manager.publish(tenant_id=tenant.id, actor=SYSTEM, comment="Pair")
    process_journal().close()
    return created.clear
