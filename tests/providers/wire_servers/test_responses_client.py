"""The official OpenAI client as judge of the simulated Responses API."""

import json
from typing import Any

import openai
import pytest

from apps.providers.wire_servers.scripts import TEXT, THOUGHT, Tokens

MODEL = "gpt-5-mini"
TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {}},
    "strict": False,
}


def events_of(client: openai.OpenAI, **options: Any) -> list[Any]:
    return list(client.responses.create(stream=True, **{"model": MODEL, "input": "hi", **options}))


def test_response__whole__has_text_usage_and_status(openai_client: openai.OpenAI) -> None:
    answer = openai_client.responses.create(model=MODEL, input="hi", instructions="Be brief.")
    assert (answer.output_text, answer.status) == (TEXT, "completed")
    assert answer.usage is not None
    assert answer.usage.total_tokens == Tokens().total
    assert answer.instructions == "Be brief."


def test_response__streamed__follows_the_grammar(openai_client: openai.OpenAI) -> None:
    events = events_of(openai_client)
    kinds = [event.type for event in events]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert list(dict.fromkeys(kinds)) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == TEXT
    assert len({event.item_id for event in events if hasattr(event, "item_id")}) == 1


def test_response__thinking_and_tools__are_items_with_their_own_events(
    openai_client: openai.OpenAI,
) -> None:
    with openai_client.responses.stream(
        model="script:thinking_tools", input="hi", tools=[TOOL]
    ) as stream:
        final: Any = stream.get_final_response()
    assert [item.type for item in final.output] == ["reasoning", "function_call", "function_call"]
    assert final.output[0].summary[0].text == THOUGHT
    cities = [json.loads(item.arguments)["city"] for item in final.output[1:]]
    assert cities == ["São Paulo", "東京"]


def test_response__limit_reached__is_incomplete(openai_client: openai.OpenAI) -> None:
    last = events_of(openai_client, model="script:length")[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details.reason == "max_output_tokens"


def test_response__continued__takes_results_by_call_id(openai_client: openai.OpenAI) -> None:
    asked: Any = {"model": "script:tools", "tools": [TOOL]}
    first: Any = openai_client.responses.create(input="hi", **asked)
    result: Any = {
        "type": "function_call_output",
        "call_id": first.output[0].call_id,
        "output": "20 °C",
    }
    second = openai_client.responses.create(input=[result], previous_response_id=first.id, **asked)
    assert second.output_text == TEXT
    for wrong in ({"input": "hi"}, {"input": [result | {"call_id": first.output[0].id}]}):
        with pytest.raises(openai.BadRequestError, match="No tool"):
            openai_client.responses.create(previous_response_id=first.id, **asked, **wrong)


def test_response__stored__can_be_read_and_deleted(openai_client: openai.OpenAI) -> None:
    kept = openai_client.responses.create(model=MODEL, input="hi")
    assert openai_client.responses.retrieve(kept.id).output_text == TEXT
    openai_client.responses.delete(kept.id)
    unkept = openai_client.responses.create(model=MODEL, input="hi", store=False)
    for name in (kept.id, unkept.id):
        with pytest.raises(openai.NotFoundError):
            openai_client.responses.retrieve(name)
        with pytest.raises(openai.BadRequestError) as caught:
            openai_client.responses.create(model=MODEL, input="hi", previous_response_id=name)
        assert caught.value.code == "previous_response_not_found"


def test_response__parts_of_another_role__are_refused(openai_client: openai.OpenAI) -> None:
    content = [{"type": "input_text", "text": "hi"}]
    wrong: Any = [{"role": "assistant", "content": content}]
    with pytest.raises(openai.BadRequestError, match="Supported values are: 'output_text'"):
        openai_client.responses.create(model=MODEL, input=wrong)


@pytest.mark.parametrize(("script", "place"), [("error_event", 5), ("error_first", 0)])
def test_response__failing_stream__ends_with_an_error_event(
    openai_client: openai.OpenAI, script: str, place: int
) -> None:
    # Unlike chat's, this one raises nothing: the client hands it out.
    last = events_of(openai_client, model=f"script:{script}")[-1]
    assert (last.type, last.message) == ("error", "overloaded now")
    assert last.sequence_number == place


def test_response__rate_limited_before_its_stream__is_an_http_error(
    openai_client: openai.OpenAI,
) -> None:
    with pytest.raises(openai.RateLimitError):
        events_of(openai_client, model="script:429")
