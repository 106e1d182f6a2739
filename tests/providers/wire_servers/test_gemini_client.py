"""The official Gemini client as judge of the simulated wire, under /v1 and /v1beta."""

from typing import Any

import httpx2
import pytest
from google import genai
from google.genai import errors, types

from apps.providers.wire_servers.scripts import TEXT, THOUGHT, Tokens
from apps.providers.wire_servers.server import WireServer
from tests.providers.wire_servers.conftest import SECRET

SHORT_MILLISECONDS = 500
STATUSES = [
    (400, errors.ClientError, "INVALID_ARGUMENT"),
    (403, errors.ClientError, "PERMISSION_DENIED"),
    (404, errors.ClientError, "NOT_FOUND"),
    (429, errors.ClientError, "RESOURCE_EXHAUSTED"),
    (500, errors.ServerError, "INTERNAL"),
    (503, errors.ServerError, "UNAVAILABLE"),
    (504, errors.ServerError, "DEADLINE_EXCEEDED"),
]
WEATHER = types.FunctionDeclaration(
    name="get_weather", parameters_json_schema={"type": "object", "additionalProperties": False}
)
TOOLS = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[WEATHER])])


def ask(client: genai.Client, script: str, *, is_streamed: bool, **options: Any) -> list[Any]:
    asked = {"model": f"script:{script}", "contents": "hi", **options}
    if is_streamed:
        return list(client.models.generate_content_stream(**asked))
    return [client.models.generate_content(**asked)]


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
def test_generate__healthy__gives_text_reason_and_usage(
    gemini_client: genai.Client, is_streamed: bool
) -> None:
    chunks = ask(gemini_client, "text", is_streamed=is_streamed)
    assert "".join(chunk.text or "" for chunk in chunks) == TEXT
    assert chunks[-1].candidates[0].finish_reason is types.FinishReason.STOP
    usage = chunks[-1].usage_metadata
    assert (usage.prompt_token_count, usage.total_token_count) == (25, Tokens().total)
    assert usage.candidates_token_count + usage.thoughts_token_count == Tokens().output
    assert len({chunk.response_id for chunk in chunks}) == 1


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
def test_generate__parallel_calls__come_in_one_chunk_and_end_with_stop(
    gemini_client: genai.Client, is_streamed: bool
) -> None:
    chunks = ask(gemini_client, "thinking_tools", is_streamed=is_streamed, config=TOOLS)
    (calls,) = [chunk.function_calls for chunk in chunks if chunk.function_calls]
    assert [call.args["city"] for call in calls] == ["São Paulo", "東京"]
    assert chunks[-1].candidates[0].finish_reason is types.FinishReason.STOP
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
    assert "".join(part.text for part in parts if part.thought) == THOUGHT
    assert [bool(p.thought_signature) for p in parts if p.function_call] == [True, False]


def test_generate__calls_of_gemini_3__want_their_signature_back(server: WireServer) -> None:
    options = types.HttpOptions(base_url=server.url_of("gemini"))
    result = types.Part.from_function_response(name="get_weather", response={"result": "20 °C"})
    with genai.Client(api_key=SECRET, http_options=options) as client:
        server.plan("tools")
        asked: dict[str, Any] = {"model": "gemini-3-flash", "config": TOOLS}
        first = client.models.generate_content(contents="hi", **asked)
        content: Any = first.candidates and first.candidates[0].content
        history = [types.UserContent("hi"), content, types.UserContent(result)]
        assert client.models.generate_content(contents=history, **asked).text == TEXT
        content.parts[0].thought_signature = None
        with pytest.raises(errors.ClientError, match="missing a thought_signature"):
            client.models.generate_content(contents=history, **asked)


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("status", "expected", "name"), STATUSES)
def test_generate__status__is_the_clients_exception(
    gemini_client: genai.Client,
    status: int,
    expected: type[errors.APIError],
    name: str,
    is_streamed: bool,
) -> None:
    with pytest.raises(expected) as caught:
        ask(gemini_client, str(status), is_streamed=is_streamed)
    assert (caught.value.code, caught.value.status) == (status, name)
    if status == 429:
        details: Any = caught.value.details
        assert details["error"]["details"][0]["retryDelay"] == "1s"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("error_event", errors.ServerError),
        ("error_first", errors.ServerError),
        ("malformed", errors.UnknownApiResponseError),
        ("html", errors.ServerError),
        # What the HTTP library says, unchanged.
        ("cut", httpx2.ReadError),
    ],
)
def test_generate__broken_stream__raises(
    gemini_client: genai.Client, script: str, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        ask(gemini_client, script, is_streamed=True)


@pytest.mark.parametrize("script", ["hang", "stall"])
def test_generate__provider_falls_silent__times_out(server: WireServer, script: str) -> None:
    options = types.HttpOptions(base_url=server.url_of("gemini"), timeout=SHORT_MILLISECONDS)
    with (
        genai.Client(api_key=SECRET, http_options=options) as client,
        pytest.raises(httpx2.ReadTimeout),
    ):
        ask(client, script, is_streamed=True)


@pytest.mark.parametrize("script", ["split", "paced", "slow_first_token"])
def test_generate__awkward_packets__lose_nothing(gemini_client: genai.Client, script: str) -> None:
    chunks = ask(gemini_client, script, is_streamed=True)
    assert "".join(chunk.text or "" for chunk in chunks) == TEXT


def test_generate__wrong_key__is_400_with_its_reason(server: WireServer) -> None:
    options = types.HttpOptions(base_url=server.url_of("gemini"))
    with (
        genai.Client(api_key="another", http_options=options) as client,
        pytest.raises(errors.ClientError, match="API_KEY_INVALID"),
    ):
        ask(client, "text", is_streamed=False)


def test_generate__filtered__has_no_parts(gemini_client: genai.Client) -> None:
    (answer,) = ask(gemini_client, "filtered", is_streamed=False)
    assert answer.candidates[0].finish_reason is types.FinishReason.SAFETY
    assert answer.text is None


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
def test_generate__refused_question__has_no_candidates(
    gemini_client: genai.Client, is_streamed: bool
) -> None:
    (answer,) = ask(gemini_client, "blocked", is_streamed=is_streamed)
    assert answer.candidates is None
    assert answer.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT


def test_generate__limit_eaten_by_thought__has_a_candidate_without_parts(
    gemini_client: genai.Client,
) -> None:
    (answer,) = ask(gemini_client, "nothing_but_thought", is_streamed=False)
    assert answer.candidates[0].content.parts is None
    assert answer.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS


def test_generate__stream_without_sse__is_an_array(server: WireServer) -> None:
    url = f"{server.url_of('gemini')}/v1beta/models/gemini-2.5-flash:streamGenerateContent"
    answer = httpx2.post(
        url, params={"key": SECRET}, json={"contents": [{"parts": [{"text": "hi"}]}]}
    )
    chunks = answer.json()
    texts = [c["candidates"][0]["content"]["parts"][0]["text"] for c in chunks]
    assert "".join(texts) == TEXT


def test_generate__array_that_fails__is_an_array_of_its_error(server: WireServer) -> None:
    url = f"{server.url_of('gemini')}/v1beta/models/script:503:streamGenerateContent"
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    answer = httpx2.post(url, headers={"x-goog-api-key": SECRET}, json=body)
    (told,) = answer.json()
    assert (answer.status_code, told["error"]["status"]) == (503, "UNAVAILABLE")


def test_count_and_embed__by_the_client__work(gemini_client: genai.Client) -> None:
    few = gemini_client.models.count_tokens(model="gemini-2.5-flash", contents="hi")
    many = gemini_client.models.count_tokens(model="gemini-2.5-flash", contents="hi " * 50)
    assert 0 < (few.total_tokens or 0) < (many.total_tokens or 0)
    config = types.EmbedContentConfig(output_dimensionality=4)
    embedded: Any = gemini_client.models.embed_content(
        model="gemini-embedding-001", contents=["one", "two"], config=config
    )
    assert [len(one.values) for one in embedded.embeddings] == [4, 4]


def test_models__listed_by_page__are_all_found(gemini_client: genai.Client) -> None:
    names = [model.name for model in gemini_client.models.list(config={"page_size": 2})]
    assert len(names) == len(set(names)) == 3
    assert gemini_client.models.get(model=names[0] or "").name == names[0]
