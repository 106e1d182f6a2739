"""The official `openai` SDK on `/v1/responses`, over real sockets, with simulated providers."""

import base64
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses import Response
from pydantic import BaseModel

from apps.providers.wire_servers.scripts import TEXT, THOUGHT, WEATHER, Script
from tests.doors.responses_door import PROVIDERS, QUESTION, TOOLS, ResponsesDoor
from tests.factories.offers import SECRET
from tests.factories.routed_site import MODELS, RoutedSite

# One site serves the whole module, with what it keeps in Redis.
pytestmark = pytest.mark.keeps_redis
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n pixel").decode()


@pytest.fixture(params=PROVIDERS)
def door(request: pytest.FixtureRequest, keeping_for_module: RoutedSite) -> Iterator[ResponsesDoor]:
    """The site's door, in front of each provider."""
    yield from opened(keeping_for_module, request.param)


@pytest.fixture
def claude(keeping_for_module: RoutedSite) -> Iterator[ResponsesDoor]:
    """The door in front of one provider, where the words of its wire are looked at."""
    yield from opened(keeping_for_module, "anthropic")


def opened(site: RoutedSite, wire: str) -> Iterator[ResponsesDoor]:
    site.provider.forget()
    with OpenAI(base_url=f"{site.address}/v1", api_key=site.key, max_retries=0) as client:
        yield ResponsesDoor(client, site, MODELS[wire])


def calls_of(response: Response) -> list[Any]:
    return [item for item in response.output if item.type == "function_call"]


def result_of(call: Any, text: Any = "22 °C") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call.call_id, "output": text}


def test_r1_r2__whole_and_streamed__are_the_same_response(door: ResponsesDoor) -> None:
    for is_streamed in (False, True):
        answer = door.ask(
            is_streamed=is_streamed,
            instructions="Be short.",
            input=[{"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}],
            metadata={"team": "blue"},
        )
        assert door.system() == "Be short."
        assert answer.output_text == TEXT
        (item,) = answer.output
        assert item.type == "message"
        assert item.id.startswith("msg_")
        assert item.content[0].to_dict()["annotations"] == []
        assert (answer.object, answer.status, answer.error) == ("response", "completed", None)
        assert (answer.model, answer.instructions) == (door.model, "Be short.")
        assert answer.metadata == {"team": "blue"}
        assert answer.usage is not None
        assert answer.usage.input_tokens_details.cached_tokens == 5
        assert answer.usage.input_tokens_details.cache_write_tokens == 0
        assert answer.usage.total_tokens == 25 + 7
        read = door.client.responses.retrieve(answer.id)
        # The client's own stream adds what it parsed.
        assert read.to_dict() == answer.to_dict() or is_streamed
        assert [item.id for item in read.output] == [item.id for item in answer.output]


def test_r5__tool_loop__goes_on_with_the_results_alone(door: ResponsesDoor) -> None:
    for is_streamed in (False, True):
        door.provider.plan("thinking_tools", "text")
        first = door.ask(is_streamed=is_streamed, tools=TOOLS, reasoning={"effort": "high"})
        assert [item.type for item in first.output] == [
            "reasoning",
            "function_call",
            "function_call",
        ]
        calls = calls_of(first)
        assert calls[0].arguments.replace(" ", "") == WEATHER.text.replace(" ", "")
        assert all(call.id.startswith("fc_") and call.id != call.call_id for call in calls)
        second = door.ask(
            is_streamed=is_streamed,
            previous_response_id=first.id,
            # The other way round, as they finish.
            input=[result_of(calls[1]), result_of(calls[0])],
            tools=TOOLS,
            reasoning={"effort": "high"},
        )
        assert second.output_text == TEXT
        assert second.previous_response_id == first.id
        assert door.told()[0] == QUESTION
        if door.model != MODELS["anthropic"]:
            # The provider itself refuses calls without its signature.
            continue
        _question, called, answered = door.sent()["messages"]
        assert called["content"][0]["thinking"] == THOUGHT
        assert called["content"][0]["signature"]
        assert [block["tool_use_id"] for block in answered["content"]] == [
            block["id"] for block in called["content"][1:]
        ]


def test_x1__thread_of_one_provider__goes_on_at_every_other(door: ResponsesDoor) -> None:
    for wire in PROVIDERS:
        door.provider.plan("thinking_tools", "text")
        first = door.ask(tools=TOOLS, reasoning={"effort": "high"})
        results = [result_of(call) for call in calls_of(first)]
        for is_streamed in (False, True):
            second = door.ask(
                is_streamed=is_streamed,
                model=MODELS[wire],
                previous_response_id=first.id,
                input=results,
                tools=TOOLS,
            )
            assert second.output_text == TEXT
            assert door.told()[0] == QUESTION


def test_r5__branches_of_one_response__do_not_see_each_other(door: ResponsesDoor) -> None:
    root = door.ask(input="root", instructions="Of the root alone.")
    left = door.ask(input="left", previous_response_id=root.id)
    right = door.ask(input="right", previous_response_id=root.id)
    for branch, own, other in ((left, "left", "right"), (right, "right", "left")):
        door.ask(input="leaf", previous_response_id=branch.id)
        said = door.told()
        assert said == ["root", TEXT, own, TEXT, "leaf"]
        assert other not in said
        # Instructions are not carried over.
        assert door.system() == ""


def test_r5__without_the_hot_copy__goes_on_from_the_data_base(
    door: ResponsesDoor, redis_client: Any
) -> None:
    first = door.ask(input="one")
    second = door.ask(input="two", previous_response_id=first.id)
    for key in redis_client.scan_iter("*:response:*"):
        redis_client.delete(key)
    door.ask(input="three", previous_response_id=second.id)
    assert door.told() == ["one", TEXT, "two", TEXT, "three"]


def test_r5__what_was_not_stored_or_is_anothers__is_not_found(door: ResponsesDoor) -> None:
    stored = door.ask()
    unstored = door.ask(store=False)
    assert stored.to_dict()["store"] is True
    assert unstored.to_dict()["store"] is False
    unknown = ("resp_" + "0" * 32, "resp_x", "conv_1", unstored.id)
    for response_id in unknown:
        with pytest.raises(openai.NotFoundError) as told:
            door.ask(previous_response_id=response_id)
        assert told.value.param == "previous_response_id"
        with pytest.raises(openai.NotFoundError):
            door.client.responses.retrieve(response_id)
    for is_stranger in (True, False):
        with door.other_client(is_stranger=is_stranger) as client:
            with pytest.raises(openai.NotFoundError) as told:
                client.responses.create(model=door.model, input="x", previous_response_id=stored.id)
            assert told.value.param == "previous_response_id"
            with pytest.raises(openai.NotFoundError):
                client.responses.retrieve(stored.id)
            with pytest.raises(openai.NotFoundError):
                client.responses.delete(stored.id)
    assert door.client.responses.retrieve(stored.id).id == stored.id


def test_r5__deletion__is_whole_and_ends_what_continues_it(door: ResponsesDoor) -> None:
    first = door.ask(input="one")
    second = door.ask(input="two", previous_response_id=first.id)
    door.client.responses.delete(first.id)
    for gone in (first.id, second.id):
        with pytest.raises(openai.NotFoundError):
            door.ask(previous_response_id=gone)
    with pytest.raises(openai.NotFoundError):
        door.client.responses.retrieve(first.id)
    with pytest.raises(openai.NotFoundError):
        door.client.responses.delete(first.id)
    assert door.client.responses.retrieve(second.id).output_text == TEXT


def test_r5__project_that_stores_nothing__answers_unstored(door: ResponsesDoor) -> None:
    with door.other_client(is_stranger=False, store_content=False) as client:
        answer = client.responses.create(model=door.model, input="Hello")
        assert answer.to_dict()["store"] is False
        with pytest.raises(openai.BadRequestError) as told:
            client.responses.create(model=door.model, input="x", previous_response_id=answer.id)
        assert told.value.code == "content_storage_off"
        assert told.value.param == "previous_response_id"
        with pytest.raises(openai.BadRequestError):
            client.responses.retrieve(answer.id)


def test_r1__items_of_the_answer__go_back_as_they_came_or_by_reference(
    claude: ResponsesDoor,
) -> None:
    claude.provider.plan("thinking_tools")
    first = claude.ask(tools=TOOLS, reasoning={"effort": "high"}, store=True)
    results = [result_of(call) for call in calls_of(first)]
    whole = [item.to_dict() for item in first.output]
    references = [{"type": "item_reference", "id": item.id} for item in first.output]
    question = {"role": "user", "content": "Is it sunny?"}
    sent: list[Any] = []
    for items in (whole, references):
        claude.ask(input=[question, *items, *results], tools=TOOLS, reasoning={"effort": "high"})
        sent.append(claude.sent()["messages"])
    assert sent[0] == sent[1]
    assert sent[0][1]["content"][0]["signature"]
    with pytest.raises(openai.NotFoundError) as told:
        claude.ask(input=[question, {"type": "item_reference", "id": "msg_" + "0" * 36}])
    assert told.value.param == "input[1]"


def test_r3__events__are_numbered_and_keep_their_items(door: ResponsesDoor) -> None:
    for script in ("thinking", "text_and_tools", "tools_without_arguments", "parallel_tools"):
        door.provider.plan(script)
        events = list(door.events(tools=TOOLS, reasoning={"effort": "high"}))
        assert [event.sequence_number for event in events] == list(range(len(events)))
        kinds = [event.type for event in events]
        assert kinds[:2] == ["response.created", "response.in_progress"]
        assert kinds[-1] == "response.completed"
        check_items(events)


def check_items(events: list[Any]) -> None:
    """Each item is added, filled and done at one place under one id, and is in the response."""
    final = events[-1].response
    for place, item in enumerate(final.output):
        mine = [event for event in events if getattr(event, "output_index", None) == place]
        assert mine[0].type == "response.output_item.added"
        assert mine[-1].type == "response.output_item.done"
        assert mine[-1].item == item
        ids = {event.item_id for event in mine if hasattr(event, "item_id")}
        assert ids | {mine[0].item.id, mine[-1].item.id} == {item.id}
        deltas = "".join(event.delta for event in mine if event.type.endswith(".delta"))
        match item.type:
            case "message":
                assert deltas == item.content[0].text
            case "function_call":
                assert deltas == item.arguments
                assert mine[-2].type == "response.function_call_arguments.done"
                assert mine[-2].arguments == item.arguments
            case "reasoning":
                assert deltas == "".join(part.text for part in item.summary)


def test_r4__answer_that_was_cut_short__is_incomplete(door: ResponsesDoor) -> None:
    for script, reason in (("length", "max_output_tokens"), ("filtered", "content_filter")):
        door.provider.plan(script, script)
        answer = door.ask(max_output_tokens=20)
        events = list(door.events(max_output_tokens=20))
        assert events[-1].type == "response.incomplete"
        for told in (answer, events[-1].response):
            assert told.status == "incomplete"
            assert told.incomplete_details is not None
            assert told.incomplete_details.reason == reason


class Weather(BaseModel):
    city: str
    is_sunny: bool


def test_r6__options__reach_the_provider_in_its_words(claude: ResponsesDoor) -> None:
    claude.provider.plan(Script(text='{"city": "Roma", "is_sunny": true}'))
    parsed = claude.client.responses.parse(model=claude.model, input="x", text_format=Weather)
    assert parsed.output_parsed == Weather(city="Roma", is_sunny=True)
    assert claude.sent()["output_config"]["format"]["schema"]["required"] == ["city", "is_sunny"]
    claude.provider.plan("tools")
    answer = claude.ask(
        tools=TOOLS,
        tool_choice={"type": "function", "name": "get_weather"},
        parallel_tool_calls=False,
        max_output_tokens=99,
        truncation="auto",
        include=["reasoning.encrypted_content"],
    )
    sent = claude.sent()
    assert sent["tool_choice"]["name"] == "get_weather"
    assert sent["tool_choice"]["disable_parallel_tool_use"] is True
    assert sent["max_tokens"] == 99
    assert sent["tools"][0]["input_schema"] == TOOLS[0]["parameters"]
    assert answer.parallel_tool_calls is False
    assert answer.tools[0].to_dict()["name"] == "get_weather"
    raw = claude.client.responses.with_raw_response.create(
        model=claude.model, input="x", truncation="auto", text={"verbosity": "low"}
    )
    assert set(raw.headers["x-router-dropped"].split(", ")) == {"truncation", "text.verbosity"}
    assert raw.headers["x-request-id"].removeprefix("req_") == raw.parse().id.removeprefix("resp_")


def test_r1__images__of_the_user_and_of_tools_are_seen(claude: ResponsesDoor) -> None:
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"}
    claude.provider.plan("tools")
    first = claude.ask(
        tools=TOOLS,
        input=[{"role": "user", "content": [{"type": "input_text", "text": "What?"}, image]}],
    )
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    assert claude.sent()["messages"][0]["content"][1] == {"type": "image", "source": source}
    (call,) = calls_of(first)
    claude.ask(tools=TOOLS, previous_response_id=first.id, input=[result_of(call, [image])])
    (result,) = claude.sent()["messages"][-1]["content"]
    assert result["content"] == [{"type": "image", "source": source}]


def test_r7__errors__have_the_status_of_their_cause(door: ResponsesDoor) -> None:
    with pytest.raises(openai.BadRequestError) as hosted:
        door.ask(tools=[TOOLS[0], {"type": "web_search"}])
    assert hosted.value.param == "tools[1]"
    with pytest.raises(openai.BadRequestError) as empty:
        door.ask(input=[])
    assert empty.value.param == "input"
    with pytest.raises(openai.NotFoundError) as model:
        door.ask(model="nobody")
    assert model.value.code == "model_not_found"
    with pytest.raises(openai.AuthenticationError):
        door.client.with_options(api_key="llmr_wrong").responses.create(model=door.model, input="x")


@pytest.mark.parametrize("script", ["error_event", "cut", "stops_early"])
def test_r4__stream_that_breaks__fails_and_raises(door: ResponsesDoor, script: str) -> None:
    door.provider.plan(script)
    seen: list[Any] = []
    with pytest.raises(openai.APIError) as told:
        note_events(door, seen)
    assert SECRET not in str(told.value)
    assert "broke off" in str(told.value)
    assert seen[-1].type == "response.failed"
    assert seen[-1].response.status == "failed"
    assert "response.completed" not in [event.type for event in seen]
    with pytest.raises(openai.NotFoundError):
        door.client.responses.retrieve(seen[0].response.id)


def note_events(door: ResponsesDoor, seen: list[Any]) -> None:
    """Note each event as it comes: what came before a failure is kept."""
    for event in door.events(model=door.site.spare(door.model)):
        seen += [event]


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("400", openai.BadRequestError),
        ("429", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("error_first", openai.InternalServerError),
    ],
)
def test_r8__failure_before_the_first_event__has_a_status(
    door: ResponsesDoor, script: str, kind: type[openai.APIStatusError]
) -> None:
    for is_streamed in (True, False) if script != "error_first" else (True,):
        door.provider.plan(*[script] * 3)
        with pytest.raises(kind) as told:
            door.ask(is_streamed=is_streamed, model=door.site.spare(door.model))
        door.provider.forget()
        assert told.value.status_code >= 400
        assert SECRET not in str(told.value)
