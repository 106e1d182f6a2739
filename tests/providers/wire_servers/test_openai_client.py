"""The official OpenAI client as judge of the simulated wire: chat, embeddings, models."""

import json
from typing import Any

import openai
import pytest

from apps.providers.wire_servers.scripts import TEXT, THOUGHT, Script, Tokens
from apps.providers.wire_servers.server import WireServer
from tests.providers.wire_servers.conftest import SECRET

HELLO: list[Any] = [{"role": "user", "content": "Say hello."}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
}
SHORT_SECONDS = 0.5
STATUSES = [
    (400, openai.BadRequestError),
    (401, openai.AuthenticationError),
    (403, openai.PermissionDeniedError),
    (404, openai.NotFoundError),
    (409, openai.ConflictError),
    (422, openai.UnprocessableEntityError),
    (429, openai.RateLimitError),
    (500, openai.InternalServerError),
    (503, openai.InternalServerError),
    (529, openai.InternalServerError),
]


def chunks_of(client: openai.OpenAI, **options: Any) -> list[Any]:
    asked = {"model": "gpt-4.1-mini", "messages": HELLO, **options}
    return list(client.chat.completions.create(stream=True, **asked))


def test_chat__healthy__gives_text_reason_usage_and_request_id(
    openai_client: openai.OpenAI,
) -> None:
    answer = openai_client.chat.completions.create(model="gpt-4.1-mini", messages=HELLO)
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == (TEXT, "stop")
    assert answer.usage is not None
    assert answer.usage.total_tokens == Tokens().total
    assert answer._request_id == "req_sim000001"
    answer.model_validate(answer.model_dump(), strict=False)


def test_chat__streamed__says_role_first_reason_once_and_usage_last(
    openai_client: openai.OpenAI,
) -> None:
    chunks = chunks_of(openai_client, stream_options={"include_usage": True})
    *said, last = chunks
    assert said[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in said) == TEXT
    reasons = [chunk.choices[0].finish_reason for chunk in said]
    assert [reason for reason in reasons if reason] == ["stop"]
    assert (last.choices, last.usage.total_tokens) == ([], Tokens().total)
    assert [chunk.usage for chunk in said] == [None] * len(said)
    assert len({chunk.id for chunk in chunks}) == 1


def test_chat__usage_not_asked_for__has_no_chunk_without_choices(
    openai_client: openai.OpenAI,
) -> None:
    assert all(chunk.choices for chunk in chunks_of(openai_client))


@pytest.mark.parametrize(("script", "expected"), [("usage_missing", 0), ("usage_twice", 2)])
def test_chat__scripted_usage__is_said_so_often(
    openai_client: openai.OpenAI, script: str, expected: int
) -> None:
    options = {"include_usage": True}
    chunks = chunks_of(openai_client, model=f"script:{script}", stream_options=options)
    assert len([chunk for chunk in chunks if chunk.usage]) == expected


def test_chat__parallel_tools__come_whole_and_in_deltas_by_index(
    openai_client: openai.OpenAI,
) -> None:
    whole = openai_client.chat.completions.create(
        model="script:parallel_tools", messages=HELLO, tools=[TOOL]
    )
    calls: list[Any] = whole.choices[0].message.tool_calls or []
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ["São Paulo", "東京"]
    with openai_client.chat.completions.stream(
        model="script:parallel_tools", messages=HELLO, tools=[TOOL]
    ) as stream:
        streamed = stream.get_final_completion().choices[0]
    assert streamed.finish_reason == "tool_calls"
    arguments = [call.function.arguments for call in streamed.message.tool_calls or []]
    assert arguments == [call.function.arguments for call in calls]
    assert len({call.id for call in [*calls, *(streamed.message.tool_calls or [])]}) == 4


def test_chat__whole_calls__come_in_one_chunk(openai_client: openai.OpenAI) -> None:
    chunks = chunks_of(openai_client, model="script:whole_calls", tools=[TOOL])
    (calls,) = [c.choices[0].delta.tool_calls for c in chunks if c.choices[0].delta.tool_calls]
    cities = [json.loads(call.function.arguments)["city"] for call in calls]
    assert cities == ["São Paulo", "東京"]


@pytest.mark.parametrize(
    ("script", "reason"), [("calls_with_stop", "stop"), ("unknown_reason", "a_reason_of_tomorrow")]
)
def test_chat__reasons_of_other_servers__are_said_as_they_are(
    openai_client: openai.OpenAI, script: str, reason: str
) -> None:
    assert chunks_of(openai_client, model=f"script:{script}")[-1].choices[0].finish_reason == reason


def test_chat__streamed_by_azure__opens_with_a_chunk_without_choices(server: WireServer) -> None:
    with openai.AzureOpenAI(
        api_key=SECRET,
        azure_endpoint=f"http://127.0.0.1:{server.port}",
        api_version="2024-10-21",
        max_retries=0,
    ) as client:
        first, *rest = chunks_of(client)
    assert first.choices == []
    assert "".join(chunk.choices[0].delta.content or "" for chunk in rest) == TEXT


def test_chat__results_of_tools_given__ends_with_text(openai_client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "script:tools", "tools": [TOOL]}
    first = openai_client.chat.completions.create(messages=HELLO, **asked).choices[0].message
    assert first.tool_calls is not None
    result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "20 °C"}
    history = [*HELLO, first.model_dump(exclude_none=True, exclude={"reasoning_content"}), result]
    second = openai_client.chat.completions.create(messages=history, **asked).choices[0]
    assert (second.message.content, second.finish_reason) == (TEXT, "stop")
    # Where the image that a tool made can be.
    history.append({"role": "user", "content": "This is what the tool shows."})
    third = openai_client.chat.completions.create(messages=history, **asked).choices[0]
    assert (third.message.content, third.finish_reason) == (TEXT, "stop")


def test_chat__thinking__is_beside_the_content(openai_client: openai.OpenAI) -> None:
    message: Any = (
        openai_client.chat.completions.create(model="script:thinking", messages=HELLO)
        .choices[0]
        .message
    )
    assert (message.reasoning_content, message.content) == (THOUGHT, TEXT)


@pytest.mark.parametrize("script", ["split", "crlf", "comments", "paced", "slow_first_token"])
def test_chat__awkward_packets__lose_nothing(openai_client: openai.OpenAI, script: str) -> None:
    chunks = chunks_of(openai_client, model=f"script:{script}")
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("status", "expected"), STATUSES)
def test_chat__status__is_the_clients_exception(
    openai_client: openai.OpenAI, status: int, expected: type[Exception], is_streamed: bool
) -> None:
    with pytest.raises(expected) as caught:
        openai_client.chat.completions.create(
            model=f"script:{status}", messages=HELLO, stream=is_streamed
        )
    error: Any = caught.value
    assert error.status_code == status
    assert error.body.keys() == {"message", "type", "param", "code"}
    assert error.response.headers.get("retry-after") == ("1" if status == 429 else None)


def test_chat__429_then_well__is_retried_by_the_client(
    openai_client: openai.OpenAI, server: WireServer
) -> None:
    server.plan(Script(status=429, headers={"retry-after-ms": "10"}), "text")
    patient = openai_client.with_options(max_retries=1)
    answer = patient.chat.completions.create(model="gpt-4.1-mini", messages=HELLO)
    assert answer.choices[0].message.content == TEXT
    assert len(server.received) == 2


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("error_event", openai.APIError),
        ("error_first", openai.APIError),
        ("cut", openai.APIConnectionError),
        ("stall", openai.APITimeoutError),
        ("hang", openai.APITimeoutError),
        ("html", openai.InternalServerError),
        # What the JSON library says, unchanged.
        ("malformed", ValueError),
    ],
)
def test_chat__broken_stream__raises(
    openai_client: openai.OpenAI, script: str, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        chunks_of(openai_client.with_options(timeout=SHORT_SECONDS), model=f"script:{script}")


def test_chat__stream_ends_early__says_no_reason(openai_client: openai.OpenAI) -> None:
    chunks = chunks_of(openai_client, model="script:stops_early")
    assert not any(chunk.choices[0].finish_reason for chunk in chunks)


def test_chat__wrong_key__is_refused(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        chunks_of(openai_client.with_options(api_key="another"))
    assert caught.value.code == "invalid_api_key"


def test_embeddings__asked_by_the_client__come_in_order(openai_client: openai.OpenAI) -> None:
    answer = openai_client.embeddings.create(
        model="text-embedding-3-small", input=["one", "two"], dimensions=8
    )
    assert [one.index for one in answer.data] == [0, 1]
    assert [len(one.embedding) for one in answer.data] == [8, 8]
    floats = openai_client.embeddings.create(
        model="text-embedding-3-small", input="one", dimensions=8, encoding_format="float"
    )
    # The client asked for base64 before, and floats survive the way through it.
    assert floats.data[0].embedding == pytest.approx(answer.data[0].embedding)


def test_models__listed_and_retrieved__include_ids_with_slashes(
    openai_client: openai.OpenAI,
) -> None:
    names = [model.id for model in openai_client.models.list()]
    assert "vendor/model-with-slash" in names
    assert [openai_client.models.retrieve(name).id for name in names] == names
    with pytest.raises(openai.NotFoundError) as caught:
        openai_client.models.retrieve("unknown")
    assert caught.value.code == "model_not_found"
