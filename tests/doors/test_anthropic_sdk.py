"""The official `anthropic` SDK, over real sockets, against providers of every wire.

`CARRIED` says what the adapters of the wires carry for it; a wire is added where its adapter does.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, beta_tool
from anthropic.types import Message, MessageParam, ToolParam

from apps.providers.wire_servers.scripts import TEXT, THOUGHT
from tests.doors.scripted_models import MODELS, name_of, offers_of
from tests.factories.offers import SECRET
from tests.factories.wire_site import WireSite, wire_site

pytestmark = pytest.mark.django_db(transaction=True)

WIRES = tuple(MODELS)
CARRIED = {
    "tools": WIRES,
    "thinking": WIRES,
    "images": WIRES,
    "json": WIRES,
    # A tool's results, images and thoughts of one wire, told to another.
    "switches": WIRES,
    # They are asked for the tools that run at Anthropic, and have none.
    "refusals of server tools": ("google", "openai"),
}
HELLO: list[MessageParam] = [{"role": "user", "content": "Hello"}]
WEATHER: ToolParam = {
    "name": "get_weather",
    "description": "Tells the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CITIES = [{"city": "São Paulo", "unit": "°C"}, {"city": "東京", "unit": "°C"}]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5E"
THINKING: dict[str, Any] = {"type": "enabled", "budget_tokens": 2_048}
# What the provider answers with, what our client raises, and the type that it is told.
FAILURES = {
    "400": (anthropic.BadRequestError, "invalid_request_error"),
    "401": (anthropic.InternalServerError, "api_error"),
    "403": (anthropic.InternalServerError, "api_error"),
    "404": (anthropic.InternalServerError, "api_error"),
    "429": (anthropic.RateLimitError, "rate_limit_error"),
    "500": (anthropic.InternalServerError, "api_error"),
    "503": (anthropic.InternalServerError, "api_error"),
    "context_length": (anthropic.BadRequestError, "invalid_request_error"),
    "529": (anthropic.InternalServerError, ""),
    "error_first": (anthropic.InternalServerError, ""),
}
# A server that counts nothing, passed through, has zeros.
UNCOUNTED = ("filtered", "usage_missing")
SCRIPTS = (
    *("text", "length", "filtered", "tools", "tools_without_arguments", "parallel_tools"),
    *("text_and_tools", "thinking", "thinking_tools", "hidden_thinking", "usage_missing", "split"),
    *("cut", "stops_early", "error_event", *FAILURES),
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WireSite]:
    with wire_site(tmp_path, partial(offers_of, SCRIPTS)) as made:
        yield made


@pytest.fixture
def client(site: WireSite) -> Iterator[Anthropic]:
    with Anthropic(api_key=site.key, base_url=site.address, max_retries=0) as made:
        yield made


def answer(client: Anthropic, model: str, *, is_streamed: bool, **fields: Any) -> Message:
    """Return the message, put together by the client if it was streamed."""
    asked: dict[str, Any] = {"model": model, "max_tokens": 4_096, "messages": HELLO, **fields}
    if not is_streamed:
        message: Message = client.messages.create(**asked)
        return message
    with client.messages.stream(**asked) as stream:
        return stream.get_final_message()


def test_t8_ao11_ao14_ao15_ao18__text_of_every_wire__is_a_message(client: Anthropic) -> None:
    expected = {
        "text": (TEXT, "end_turn"),
        "split": (TEXT, "end_turn"),
        "length": (TEXT, "max_tokens"),
        "filtered": ("", "refusal"),
        "usage_missing": (TEXT, "end_turn"),
    }
    seen = set()
    for wire in WIRES:
        for script, (text, reason) in expected.items():
            for is_streamed in (False, True):
                model = name_of(wire, script)
                message = answer(client, model, is_streamed=is_streamed)
                said = "".join(block.text for block in message.content if block.type == "text")
                assert (said, message.stop_reason) == (text, reason), model
                assert (message.model, message.role) == (model, "assistant")
                assert message.usage.output_tokens > 0 or script in UNCOUNTED
                if script == "text":
                    assert message.usage.input_tokens == 20
                    assert message.usage.cache_read_input_tokens == 5
                seen.add(message.id)
                if not is_streamed:
                    assert (message._request_id or "").startswith("req_")
    assert len(seen) == len(WIRES) * len(expected) * 2


def test_ao2_ao12_ao13__tool_loop__loses_no_argument_and_no_call(
    site: WireSite, client: Anthropic
) -> None:
    expected = {
        "tools": CITIES[:1],
        "tools_without_arguments": [{}],
        "parallel_tools": CITIES,
        "text_and_tools": CITIES[:1],
    }
    for wire in CARRIED["tools"]:
        for script, inputs in expected.items():
            for is_streamed in (False, True):
                model = name_of(wire, script)
                message = answer(client, model, is_streamed=is_streamed, tools=[WEATHER])
                calls = [block for block in message.content if block.type == "tool_use"]
                assert [call.input for call in calls] == inputs
                assert message.stop_reason == "tool_use"
                assert len({call.id for call in calls}) == len(calls)
                last = _go_on(client, model, message, is_streamed=is_streamed)
                assert last.stop_reason == "end_turn"
                assert not site.provider.received[-1].refusal


def _go_on(client: Anthropic, model: str, message: Message, **options: Any) -> Message:
    """Send the answer back with the tools' results, as agents do."""
    results: list[Any] = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "Sunny."}
        for block in message.content
        if block.type == "tool_use"
    ]
    messages = [
        *HELLO,
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": results},
    ]
    return answer(client, model, messages=messages, tools=[WEATHER], **options)


def test_tool_runner__whose_client_wants_a_thread__goes_on_without(
    site: WireSite, client: Anthropic
) -> None:
    """The runners of newer clients send only what is new, unless they are told to send it all."""

    @beta_tool
    def get_weather(city: str, unit: str) -> str:
        """Tell the weather."""
        return f"Sunny in {city}, 21 {unit}"

    for wire in WIRES:
        for is_streamed in (False, True):
            runner: Any = client.beta.messages.tool_runner(
                model=name_of(wire, "parallel_tools"),
                max_tokens=4_096,
                messages=[{"role": "user", "content": "Is it sunny?"}],
                tools=[get_weather],
                stream=is_streamed,
            )
            message = runner.until_done()
            assert [block.text for block in message.content] == [TEXT], wire
    assert [one.refusal for one in site.provider.received if one.refusal] == []


def test_ao4_ag1_x1__thoughts__come_back_to_their_provider_alone_as_they_were(
    site: WireSite, client: Anthropic
) -> None:
    for wire in CARRIED["thinking"]:
        for is_streamed in (False, True):
            options: dict[str, Any] = {"is_streamed": is_streamed, "thinking": THINKING}
            shown = answer(client, name_of(wire, "thinking"), **options)
            assert shown.content[0].type == "thinking"
            assert shown.content[0].thinking == THOUGHT
            model = name_of(wire, "thinking_tools")
            calling = answer(client, model, tools=[WEATHER], **options)
            last = _go_on(client, model, calling, **options)
            assert last.stop_reason == "end_turn"
            assert not site.provider.received[-1].refusal
            unasked = answer(client, name_of(wire, "thinking"), is_streamed=is_streamed)
            assert unasked.content[-1].type == "text"
    _change_providers(site, client)


def _change_providers(site: WireSite, client: Anthropic) -> None:
    for first in CARRIED["switches"]:
        for second in CARRIED["switches"]:
            for is_streamed in (False, True):
                options: dict[str, Any] = {"is_streamed": is_streamed, "thinking": THINKING}
                model = name_of(first, "thinking_tools")
                message = answer(client, model, tools=[WEATHER], **options)
                last = _go_on(client, name_of(second, "text"), message, **options)
                assert last.stop_reason == "end_turn", (first, second)
                assert not site.provider.received[-1].refusal


def test_ao5_ao10__images_documents_and_schemas__reach_the_provider(
    site: WireSite, client: Anthropic
) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    document = {"type": "base64", "media_type": "application/pdf", "data": PNG}
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "source": source},
        {"type": "document", "source": document},
    ]
    for wire in CARRIED["images"]:
        message = answer(
            client,
            name_of(wire, "text"),
            is_streamed=False,
            messages=[{"role": "user", "content": content}],
        )
        assert message.stop_reason == "end_turn"
        assert str(site.sent()).count(PNG) == 2
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    for wire in CARRIED["json"]:
        answer(
            client,
            name_of(wire, "text"),
            is_streamed=False,
            output_config={"format": {"type": "json_schema", "schema": schema}},
        )
        assert str(schema["properties"]) in str(site.sent())


def test_ao16_ao17__failure_before_the_first_event__is_an_error_of_its_class(
    client: Anthropic,
) -> None:
    for wire in WIRES:
        for script, (expected, kind) in FAILURES.items():
            # Once each: a deployment that failed rests.
            is_streamed = wire != "google" or script == "error_first"
            with pytest.raises(expected) as told:
                answer(client, name_of(wire, script), is_streamed=is_streamed)
            assert told.value.status_code >= 400, (wire, script)
            body: Any = told.value.body
            assert body["type"] == "error"
            assert body["error"]["type"] == kind or not kind
            assert body["request_id"] == told.value.request_id
            assert SECRET not in str(body)
            if script == "429":
                assert told.value.response.headers["retry-after"] == "1"
            if (wire, script) == ("anthropic", "529"):
                assert told.value.status_code == 529
                assert body["error"]["type"] == "overloaded_error"
                assert "retry-after" in told.value.response.headers


def test_ao17_e4__stream_that_breaks__is_an_error_and_never_a_clean_end(
    site: WireSite, client: Anthropic
) -> None:
    for wire in WIRES:
        for script in ("cut", "stops_early", "error_event"):
            with pytest.raises(anthropic.APIStatusError) as told:
                answer(client, name_of(wire, script), is_streamed=True)
            body: Any = told.value.body
            assert body["type"] == "error", (wire, script)
            assert "broke off" in body["error"]["message"]
            assert SECRET not in str(body)
    _retry(site)


def _retry(site: WireSite) -> None:
    """A failure before the first event is tried again by the client, as it is told."""
    with Anthropic(api_key=site.key, base_url=site.address, max_retries=3) as patient:
        site.provider.plan("529", "529", "529")
        message = answer(patient, name_of("anthropic"), is_streamed=True)
    assert message.stop_reason == "end_turn"


def test_ao16__what_the_caller_did_wrong__has_its_class(site: WireSite, client: Anthropic) -> None:
    model = name_of("openai", "text")
    with pytest.raises(anthropic.NotFoundError):
        answer(client, "nobody", is_streamed=False)
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        answer(client, model, is_streamed=False, max_tokens=0)
    for wire in CARRIED["refusals of server tools"]:
        tools = [{"type": "web_search_20250305", "name": "web_search"}]
        with pytest.raises(anthropic.BadRequestError, match="web_search"):
            answer(client, name_of(wire, "text"), is_streamed=True, tools=tools)
    with (
        Anthropic(api_key="llmr_nobody", base_url=site.address, max_retries=0) as stranger,
        pytest.raises(anthropic.AuthenticationError),
    ):
        answer(stranger, model, is_streamed=False)
    with Anthropic(auth_token=site.key, api_key=None, base_url=site.address) as bearer:
        assert answer(bearer, model, is_streamed=False).stop_reason == "end_turn"


def test_t13_t14__counts_and_models__are_there_and_no_provider_is_asked(
    site: WireSite, client: Anthropic
) -> None:
    before = len(site.provider.received)
    for wire in WIRES:
        counts = [
            client.messages.count_tokens(model=name_of(wire), messages=HELLO, **fields).input_tokens
            for fields in ({}, {"system": "Be kind."}, {"system": "Be kind.", "tools": [WEATHER]})
        ]
        assert counts == sorted(set(counts))
    words: Any = HELLO
    beta = client.beta.messages.count_tokens(model=name_of("openai"), messages=words)
    assert beta.input_tokens > 0
    listed = [model.id for model in client.models.list(limit=7)]
    assert len(listed) == len(set(listed)) == len(WIRES) * (len(SCRIPTS) + 1) + 1
    assert client.models.retrieve(name_of("google", "text")).id == name_of("google", "text")
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("of/nobody")
    assert len(site.provider.received) == before
