"""The official Anthropic client as judge of the simulated wire."""

from typing import Any

import anthropic
import httpx2
import pytest

from apps.providers.wire_servers.scripts import TEXT, THOUGHT, Tokens

HELLO: Any = [{"role": "user", "content": "Say hello."}]
TOOL: Any = {"name": "get_weather", "input_schema": {"type": "object", "properties": {}}}
CITED: Any = {"type": "text", "text": "So it is.", "citations": [{"type": "char_location"}]}
DOCUMENT: Any = {"type": "document", "source": {"type": "url", "url": "https://x.test/a.pdf"}}
SHORT_SECONDS = 0.5
STATUSES = [
    (400, anthropic.BadRequestError, "invalid_request_error"),
    (401, anthropic.AuthenticationError, "authentication_error"),
    (402, anthropic.APIStatusError, "billing_error"),
    (403, anthropic.PermissionDeniedError, "permission_error"),
    (404, anthropic.NotFoundError, "not_found_error"),
    (413, anthropic.APIStatusError, "request_too_large"),
    (429, anthropic.RateLimitError, "rate_limit_error"),
    (500, anthropic.InternalServerError, "api_error"),
    (504, anthropic.InternalServerError, "timeout_error"),
    (529, anthropic.InternalServerError, "overloaded_error"),
]


def final_of(client: anthropic.Anthropic, script: str, **options: Any) -> Any:
    asked = {"max_tokens": 100, "messages": HELLO, **options}
    with client.messages.stream(model=f"script:{script}", **asked) as stream:
        return stream.get_final_message()


def create(client: anthropic.Anthropic, script: str = "text", **options: Any) -> Any:
    asked = {"max_tokens": 100, "messages": HELLO, **options}
    return client.messages.create(model=f"script:{script}", **asked)


def test_message__healthy__gives_text_reason_usage_and_request_id(
    anthropic_client: anthropic.Anthropic,
) -> None:
    answer = create(anthropic_client)
    assert (answer.content[0].text, answer.stop_reason) == (TEXT, "end_turn")
    assert answer.usage.input_tokens == Tokens().fresh
    assert answer.usage.cache_read_input_tokens == Tokens().cached
    assert answer._request_id == "req_sim000001"


def test_message__streamed__opens_and_closes_one_block_after_the_other(
    anthropic_client: anthropic.Anthropic,
) -> None:
    events = list(create(anthropic_client, "thinking_tools", stream=True))
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")
    opened: list[int] = []
    for event in events:
        if event.type == "content_block_start":
            opened.append(event.index)
        elif event.type.startswith("content_block"):
            assert event.index == opened[-1]
    assert opened == [0, 1, 2]
    assert [event.type for event in events].count("message_delta") == 1


@pytest.mark.parametrize(
    "script",
    [
        "text",
        "crlf",
        "unknown_reason",
        "thinking",
        "hidden_thinking",
        "text_and_tools",
        "thinking_tools",
        "tools_without_arguments",
        "split",
    ],
)
def test_message__streamed__is_the_whole_one(
    anthropic_client: anthropic.Anthropic, script: str
) -> None:
    streamed, whole = final_of(anthropic_client, script), create(anthropic_client, script)
    without_id = [
        [block.model_dump(exclude={"id", "parsed_output"}) for block in message.content]
        for message in (streamed, whole)
    ]
    assert without_id[0] == without_id[1]
    assert streamed.stop_reason == whole.stop_reason
    assert streamed.usage.output_tokens == whole.usage.output_tokens == Tokens().output


def test_message__usage_said_twice__is_the_last_one(anthropic_client: anthropic.Anthropic) -> None:
    assert final_of(anthropic_client, "usage_twice").usage.output_tokens == Tokens().output


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("status", "expected", "kind"), STATUSES)
def test_message__status__is_the_clients_exception(
    anthropic_client: anthropic.Anthropic,
    status: int,
    expected: type[Exception],
    kind: str,
    is_streamed: bool,
) -> None:
    with pytest.raises(expected) as caught:
        create(anthropic_client, str(status), stream=is_streamed)
    error: Any = caught.value
    assert (error.status_code, error.body["error"]["type"]) == (status, kind)
    assert error.response.headers.get("retry-after") == ("1" if status == 429 else None)
    assert "anthropic-ratelimit-requests-limit" in error.response.headers


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("error_event", anthropic.APIStatusError),
        ("error_first", anthropic.APIStatusError),
        ("hang", anthropic.APITimeoutError),
        ("html", anthropic.InternalServerError),
        ("malformed", ValueError),
    ],
)
def test_message__broken_stream__raises(
    anthropic_client: anthropic.Anthropic, script: str, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        final_of(anthropic_client.with_options(timeout=SHORT_SECONDS), script)


@pytest.mark.parametrize("script", ["cut", "stall"])
def test_message__stream_breaks_off__raises_what_the_http_library_says(
    anthropic_client: anthropic.Anthropic, script: str
) -> None:
    with pytest.raises(httpx2.TransportError):
        final_of(anthropic_client.with_options(timeout=SHORT_SECONDS), script)


def test_message__thinking_turn_with_tools__goes_on_with_its_signature_only(
    anthropic_client: anthropic.Anthropic,
) -> None:
    asked: Any = {"max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    first = create(anthropic_client, "thinking_tools", tools=[TOOL], **asked)
    assert first.content[0].thinking == THOUGHT
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "20 °C"}
        for block in first.content[1:]
    ]
    blocks = [block.model_dump(exclude_none=True) for block in first.content]

    def go_on(blocks: list[Any]) -> Any:
        turn = [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]
        return create(
            anthropic_client, "thinking_tools", messages=[*HELLO, *turn], tools=[TOOL], **asked
        )

    assert go_on(blocks).content[-1].text == TEXT
    with pytest.raises(anthropic.BadRequestError, match="Expected `thinking`"):
        go_on(blocks[1:])
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        go_on([blocks[0] | {"signature": "of another vendor"}, *blocks[1:]])


def test_message__with_what_no_client_knows_yet__is_taken_by_todays(
    anthropic_client: anthropic.Anthropic,
) -> None:
    betas = {"anthropic-beta": "files-api-2025-04-14,of-tomorrow"}
    whole = create(anthropic_client, "unknowns", extra_headers=betas)
    assert whole.of_tomorrow["betas"] == ["files-api-2025-04-14", "of-tomorrow"]
    assert [block.type for block in whole.content] == ["text", "block_of_tomorrow"]
    streamed = create(anthropic_client, "unknowns", stream=True)
    told = [event.to_dict() for event in streamed if event.type == "event_of_tomorrow"]
    assert told == [{"type": "event_of_tomorrow", "z": 1, "a": whole.of_tomorrow["a"]}]


@pytest.mark.parametrize(
    "options",
    [
        {"extra_body": {"temperature": 1.0}},
        {"extra_body": {"top_k": 5}},
        {"messages": [{"role": "user", "content": [CITED]}]},
        {"messages": [*HELLO, {"role": "assistant", "content": [DOCUMENT]}, *HELLO]},
    ],
)
def test_message__of_the_newer_version__may_not_hold_what_the_older_one_takes(
    anthropic_client: anthropic.Anthropic, options: dict[str, Any]
) -> None:
    older = {"anthropic-version": "2023-06-01"}
    assert create(anthropic_client, extra_headers=older, **options).content[0].text == TEXT
    with pytest.raises(anthropic.BadRequestError):
        create(anthropic_client, **options)


def test_count_tokens__more_text__counts_more(anthropic_client: anthropic.Anthropic) -> None:
    def count(**options: Any) -> int:
        asked = {"model": "claude-sonnet-4-5", "messages": HELLO, **options}
        return anthropic_client.messages.count_tokens(**asked).input_tokens

    assert 0 < count() < count(system="Be brief.") < count(system="Be brief.", tools=[TOOL])
    beta = anthropic_client.beta.messages.count_tokens(model="claude-x", messages=HELLO)
    assert beta.input_tokens == count()


def test_models__listed_by_page__are_all_found(anthropic_client: anthropic.Anthropic) -> None:
    names = [model.id for model in anthropic_client.models.list(limit=2)]
    assert len(names) == len(set(names)) == 3
    assert anthropic_client.models.retrieve(names[0]).id == names[0]
    with pytest.raises(anthropic.NotFoundError):
        anthropic_client.models.retrieve("unknown")
