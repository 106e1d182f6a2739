"""What changes while the site runs: rules go live in every worker, keys get limits, at once."""

from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.factories.demo_site import DemoSite

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]
CONNECTIONS = 16


@pytest.fixture
def manager(site: DemoSite) -> Iterator[httpx2.Client]:
    """The management API with the first tenant's key."""
    with _manager(site, "api_key") as made:
        yield made


@pytest.fixture
def second_manager(site: DemoSite) -> Iterator[httpx2.Client]:
    """The management API with the second tenant's key."""
    with _manager(site, "second_tenant_api_key") as made:
        yield made


def test_rule__published__is_obeyed_by_the_next_request_of_every_worker(
    site: DemoSite, manager: httpx2.Client
) -> None:
    rule_set = sent(manager.post("rule-sets/", json={"name": "A rule set before the others"}))
    rule = {
        "rule_set": rule_set["id"],
        "name": "Stop",
        "conditions": {"all": [{"field": "tag", "operator": "has", "value": ["stopped"]}]},
        "action": "reject",
        "reject_message": "Stopped for a while.",
    }
    path = f"rules/{sent(manager.post('rules/', json=rule))['id']}/"
    assert outcomes(site) == {"route"}
    for is_enabled in (True, False, True, False):
        sent(manager.patch(path, json={"is_enabled": is_enabled}))
        published = sent(manager.post("releases/publish/", json={}))
        assert (len(published["acknowledged"]), published["late"]) == (2, [])
        assert outcomes(site) == {"reject" if is_enabled else "route"}


def test_release__rolled_back__is_obeyed_by_the_next_request(
    site: DemoSite, manager: httpx2.Client
) -> None:
    first = sent(manager.post("releases/publish/", json={"comment": "before"}))
    sent(manager.post("aliases/", json={"name": "passing", "targets": ["sim-small"]}))
    sent(manager.post("releases/publish/", json={"comment": "with an alias"}))
    assert "passing" in names(site, "api_key")
    releases = sent(manager.get("releases/"))["results"]
    before = next(item["id"] for item in releases if item["version"] == first["version"])
    sent(manager.post(f"releases/{before}/roll-back/", json={"comment": "not yet"}))
    assert "passing" not in names(site, "api_key")


def test_alias__of_one_tenant__is_unknown_to_another(
    site: DemoSite, second_manager: httpx2.Client, client: OpenAI, second_client: OpenAI
) -> None:
    sent(second_manager.post("aliases/", json={"name": "nossa", "targets": ["sim-small"]}))
    sent(second_manager.post("releases/publish/", json={}))
    assert "nossa" in names(site, "second_tenant_api_key")
    assert "nossa" not in names(site, "api_key")
    assert second_client.chat.completions.create(model="nossa", messages=HELLO).choices
    with pytest.raises(openai.NotFoundError) as told:
        client.chat.completions.create(model="nossa", messages=HELLO)
    assert "nossa" not in told.value.message.partition("may use:")[2]


def test_key__over_its_rate__is_the_sdks_rate_limit_with_a_wait(
    manager: httpx2.Client, client: OpenAI
) -> None:
    slow = client.with_options(api_key=new_key(manager, requests_per_minute=2))
    for _ in range(2):
        slow.chat.completions.create(model="auto", messages=HELLO, max_tokens=5)
    with pytest.raises(openai.RateLimitError) as told:
        slow.chat.completions.create(model="auto", messages=HELLO, max_tokens=5)
    assert told.value.code == "rate_limit_exceeded"
    assert 0 < int(told.value.response.headers["retry-after"]) <= 30


def test_key__without_budget_left__is_told_so(manager: httpx2.Client, client: OpenAI) -> None:
    poor = client.with_options(api_key=new_key(manager, monthly_budget=1))
    with pytest.raises(openai.RateLimitError) as told:
        poor.chat.completions.create(model="auto", messages=HELLO)
    assert told.value.code == "budget_exceeded"


def test_key__without_the_scope__is_permission_denied(
    manager: httpx2.Client, client: OpenAI
) -> None:
    reader = client.with_options(api_key=new_key(manager, scopes=["usage"]))
    with pytest.raises(openai.PermissionDeniedError):
        reader.chat.completions.create(model="auto", messages=HELLO)


def outcomes(site: DemoSite) -> set[str]:
    """Ask over connections of their own, so that every worker gets some; return what they say."""
    body = {"messages": HELLO, "tags": ["stopped"]}
    headers = {"authorization": f"Bearer {site.facts['api_key']}"}
    address = f"{site.base_url}/api/v1/route"
    asked = (httpx2.post(address, json=body, headers=headers) for _ in range(CONNECTIONS))
    return {sent(answer)["outcome"] for answer in asked}


def names(site: DemoSite, key: str) -> set[str]:
    """Return every model and alias that some worker offers to a key."""
    headers = {"authorization": f"Bearer {site.facts[key]}"}
    address = f"{site.base_url}/v1/models"
    asked = (httpx2.get(address, headers=headers) for _ in range(CONNECTIONS))
    return {model["id"] for answer in asked for model in answer.json()["data"]}


def new_key(manager: httpx2.Client, **fields: Any) -> str:
    """Return the secret of a new key of the first project."""
    project = sent(manager.get("projects/"))["results"][0]["id"]
    body = {"name": "Made by a test", "project": project, **fields}
    secret: str = sent(manager.post("keys/", json=body))["secret"]
    return secret


def sent(answer: httpx2.Response) -> Any:
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


def _manager(site: DemoSite, key: str) -> httpx2.Client:
    headers = {"authorization": f"Bearer {site.facts[key]}"}
    return httpx2.Client(base_url=f"{site.base_url}/api/v1/", headers=headers, timeout=30)
