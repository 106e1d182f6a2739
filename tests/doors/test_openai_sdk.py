"""The official `openai` SDK against the running product, on every server."""

import json
import urllib.error
import urllib.request
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.factories.demo_site import DemoSite

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]


def post(site: DemoSite, path: str, body: Any) -> tuple[int, Any]:
    """Send JSON to our own API."""
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{site.base_url}{path}",
        json.dumps(body).encode(),
        {"authorization": f"Bearer {site.facts['api_key']}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_chat__whole__is_an_answer_with_usage(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="auto", messages=HELLO)
    assert answer.model == "sim-small"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_chat__streamed__is_the_same_text_in_chunks_and_ends_with_usage(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="auto", messages=HELLO)
    stream = client.chat.completions.create(
        model="auto", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    told = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(told) == whole.choices[0].message.content
    assert len(told) > 5
    assert chunks[-1].usage == whole.usage
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)


def test_chat__streamed_without_asking_for_usage__has_none(client: OpenAI) -> None:
    stream = client.chat.completions.create(model="auto", messages=HELLO, stream=True)
    assert all(chunk.usage is None for chunk in stream)


def test_models__list_and_retrieve__name_what_the_key_may_use(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    aliases, models = names[:3], names[3:]
    assert aliases == ["auto", "support-best", "support-fast"]
    assert models == ["sim-embed", "sim-large", "sim-long", "sim-small"]
    assert client.models.retrieve("sim-long").owned_by == "simulated"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


def test_errors__of_every_kind__are_the_sdks_own_classes(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="nobody", messages=HELLO)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as faulty:
        client.chat.completions.create(model="auto", messages=[])
    assert faulty.value.param == "messages"
    with pytest.raises(openai.PermissionDeniedError) as rejected:
        client.chat.completions.create(
            model="auto", messages=HELLO, extra_headers={"x-router-tags": "personal-data"}
        )
    assert rejected.value.code == "rejected_by_rule"
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="llmr_wrong").models.list()


def test_second_answer__to_a_cached_question__comes_from_the_cache(client: OpenAI) -> None:
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Asked twice"}]
    states = []
    for _ in range(2):
        raw = client.chat.completions.with_raw_response.create(
            model="auto", messages=asked, extra_headers={"x-router-tags": "faq"}
        )
        states.append((raw.headers["x-router-cache"], raw.headers["x-router-cost"] == "0.000000"))
    assert states == [("miss", False), ("hit", True)]


def test_cached_answer__of_one_tenant__is_no_hit_for_another(
    client: OpenAI, second_client: OpenAI
) -> None:
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Asked by two"}]
    states = []
    for each in (client, second_client):
        raw = each.chat.completions.with_raw_response.create(
            model="auto", messages=asked, extra_headers={"x-router-tags": "faq"}
        )
        states.append(raw.headers["x-router-cache"])
    assert states == ["miss", "miss"]


def test_complete__with_a_template_in_a_conversation__goes_on_by_id(site: DemoSite) -> None:
    ask = {"prompt_template": "support-answer", "variables": {"question": "Where is it?"}}
    status, first = post(site, "/api/v1/complete", {**ask, "conversation_id": "new"})
    assert status == 200
    following = {"messages": [{"role": "user", "content": "And when?"}]}
    status, second = post(
        site, "/api/v1/complete", {**following, "conversation_id": first["conversation_id"]}
    )
    assert status == 200
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"]


def test_route__only_decides__and_tells_why(site: DemoSite) -> None:
    status, told = post(site, "/api/v1/route", {"messages": HELLO, "tags": ["premium"]})
    assert status == 200
    assert told["rule"]["name"] == "Premium customers get the large model"
    assert [attempt["model"] for attempt in told["attempts"]] == ["sim-large", "sim-small"]
    assert any("did not match" in sentence for sentence in told["explanation"])


def test_probes__of_a_running_site__answer(site: DemoSite) -> None:
    for path in ("/livez", "/readyz"):
        address = f"{site.base_url}{path}"
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own server
            assert json.load(answer)["status"] == "ok"
