"""The official `google-genai` client, over real sockets, under /v1 and /v1beta.

Each provider's own wire stands behind the same door.
"""

import base64
import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx2
import pytest
from google import genai
from google.genai import errors, types
from pytest_django import DjangoDbBlocker

from apps.providers.wire_servers.scripts import TEXT, THOUGHT, Script, Tokens
from apps.providers.wire_servers.server import WireServer
from tests.factories.offers import SECRET, Offer, empty_tables
from tests.factories.wire_site import WireSite, wire_site

pytestmark = [pytest.mark.django_db, pytest.mark.keeps_redis]

MODELS = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-5-mini", "google": "gemini-3-flash"}
PAIRS = list(product(MODELS, repeat=2))
SLASHED, TUNED = "vendor/team/with-slashes", "tunedModels/mine"
PIXEL = base64.b64decode("iVBORw0KGgo+/+8=")
WEATHER = types.FunctionDeclaration(
    name="get_weather",
    description="The weather of a city",
    parameters_json_schema={"type": "object", "properties": {"city": {"type": "string"}}},
)
TOOLS = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[WEATHER])])
THINKING = types.GenerateContentConfig(
    max_output_tokens=8_000,
    thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=2_000),
)
RESULTS = [
    types.Part.from_function_response(name="get_weather", response={"output": degrees})
    for degrees in ("20 °C", "25 °C")
]
PERSON: dict[str, Any] = {
    "type": "OBJECT",
    "properties": {"name": {"type": "STRING"}, "age": {"type": "INTEGER", "nullable": True}},
    "required": ["name"],
}
FAILURES = [
    (400, errors.ClientError, 400, "INVALID_ARGUMENT"),
    (429, errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
    (503, errors.ServerError, 502, "UNAVAILABLE"),
]


@pytest.fixture(scope="module")
def site(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WireSite]:
    aliases = dict.fromkeys((SLASHED, TUNED), (MODELS["anthropic"],))
    with django_db_blocker.unblock():
        empty_tables()
        with wire_site(tmp_path_factory.mktemp("site"), offers_of, aliases=aliases) as running:
            yield running
        empty_tables()


def offers_of(provider: WireServer) -> Iterator[Offer]:
    for wire, model in MODELS.items():
        yield Offer(wire, model, provider.url_of(wire))


@pytest.fixture(params=["v1", "v1beta"])
def client(site: WireSite, request: pytest.FixtureRequest) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=site.address, api_version=request.param, timeout=20_000)
    with genai.Client(api_key=site.key, http_options=options) as made:
        yield made


@pytest.fixture(params=MODELS)
def provider(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def is_streamed(request: pytest.FixtureRequest) -> bool:
    flag: bool = request.param
    return flag


def ask(
    client: genai.Client, model: str, contents: Any = "Hi", *, is_streamed: bool, config: Any = None
) -> list[types.GenerateContentResponse]:
    """Return the answer's chunks; a whole answer is one."""
    asked: dict[str, Any] = {"model": model, "contents": contents, "config": config}
    if is_streamed:
        return list(client.models.generate_content_stream(**asked))
    return [client.models.generate_content(**asked)]


def candidates(chunks: list[types.GenerateContentResponse]) -> list[types.Candidate]:
    return [candidate for chunk in chunks for candidate in chunk.candidates or ()]


def answers(chunks: list[types.GenerateContentResponse]) -> list[types.Content]:
    """Return what a client sends back as the model's turn."""
    return [candidate.content for candidate in candidates(chunks) if candidate.content]


def parts(chunks: list[types.GenerateContentResponse]) -> list[types.Part]:
    return [part for content in answers(chunks) for part in content.parts or ()]


def test_gi4__answer__has_text_reason_counts_and_one_id(
    site: WireSite, client: genai.Client, provider: str, is_streamed: bool
) -> None:
    site.provider.plan("text")
    chunks = ask(client, MODELS[provider], is_streamed=is_streamed)
    assert "".join(chunk.text or "" for chunk in chunks) == TEXT
    assert candidates(chunks)[-1].finish_reason is types.FinishReason.STOP
    assert len({chunk.response_id for chunk in chunks}) == 1
    assert {chunk.model_version for chunk in chunks} == {MODELS[provider]}
    usage = chunks[-1].usage_metadata
    assert usage is not None
    assert usage.prompt_token_count == Tokens().input
    assert usage.cached_content_token_count == Tokens().cached
    assert usage.total_token_count == Tokens().total
    assert len(chunks) > 3 or not is_streamed


def test_gi4__call_loop__goes_on_by_name_and_order(
    site: WireSite, client: genai.Client, provider: str, is_streamed: bool
) -> None:
    site.provider.plan("thinking_tools", "text")
    question = types.UserContent("Is it warm?")
    chunks = ask(client, MODELS[provider], question, is_streamed=is_streamed, config=TOOLS)
    called = [part.function_call for part in parts(chunks) if part.function_call]
    assert [call.name for call in called] == ["get_weather"] * 2
    assert [(call.args or {})["city"] for call in called] == ["São Paulo", "東京"]
    assert candidates(chunks)[-1].finish_reason is types.FinishReason.STOP
    # As chat sessions keep it: every chunk's content, then results without ids.
    history = [question, *answers(chunks), types.UserContent(parts=RESULTS)]
    again = ask(client, MODELS[provider], history, is_streamed=is_streamed, config=TOOLS)
    assert "".join(chunk.text or "" for chunk in again) == TEXT
    assert "20 °C" in json.dumps(site.sent(), ensure_ascii=False)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_x1__calls_and_thoughts_of_one_provider__go_on_at_another(
    site: WireSite, client: genai.Client, first: str, second: str, is_streamed: bool
) -> None:
    site.provider.plan("thinking_tools", "text")
    config = THINKING.model_copy(update={"tools": TOOLS.tools})
    question = types.UserContent("Is it warm?")
    chunks = ask(client, MODELS[first], question, is_streamed=is_streamed, config=config)
    history = [question, *answers(chunks), types.UserContent(parts=RESULTS)]
    again = ask(client, MODELS[second], history, is_streamed=is_streamed, config=config)
    assert "".join(chunk.text or "" for chunk in again) == TEXT


def test_gi4__thoughts__are_thought_parts_and_never_text(
    site: WireSite, client: genai.Client, provider: str, is_streamed: bool
) -> None:
    site.provider.plan("thinking")
    chunks = ask(client, MODELS[provider], is_streamed=is_streamed, config=THINKING)
    assert "".join(part.text or "" for part in parts(chunks) if part.thought) == THOUGHT
    assert "".join(part.text or "" for part in parts(chunks) if not part.thought) == TEXT


def test_gi2__images__reach_the_provider(
    site: WireSite, client: genai.Client, provider: str
) -> None:
    site.provider.plan("text")
    image = types.Part.from_bytes(data=PIXEL, mime_type="image/png")
    ask(client, MODELS[provider], ["What is it?", image], is_streamed=False)
    # Bytes go out of the client in the alphabet for addresses; Gemini reads that too.
    sent = json.dumps(site.sent()).replace("-", "+").replace("_", "/")
    assert base64.b64encode(PIXEL).decode() in sent


def test_gi3__structured_answer__is_asked_for_and_parsed(
    site: WireSite, client: genai.Client, provider: str
) -> None:
    site.provider.plan(Script(text='{"name": "Ada", "age": null}'))
    config = types.GenerateContentConfig(
        response_mime_type="application/json",
        response_schema=types.Schema.model_validate(PERSON),
        system_instruction="Be exact",
    )
    (answer,) = ask(client, MODELS[provider], "Who?", is_streamed=False, config=config)
    assert json.loads(answer.text or "") == {"name": "Ada", "age": None}
    sent = json.dumps(site.sent())
    assert '"age"' in sent
    assert "Be exact" in sent


@pytest.mark.parametrize(("status", "expected", "code", "name"), FAILURES)
def test_gi5__failure_of_the_provider__is_the_clients_own_exception(
    site: WireSite,
    client: genai.Client,
    provider: str,
    is_streamed: bool,
    status: int,
    expected: type[errors.APIError],
    code: int,
    name: str,
) -> None:
    site.provider.plan(*[str(status)] * 3)
    try:
        with pytest.raises(expected) as told:
            ask(client, MODELS[provider], is_streamed=is_streamed)
    finally:
        site.provider._planned.clear()
    assert (told.value.code, told.value.status) == (code, name)
    assert SECRET not in str(told.value)


@pytest.mark.parametrize("script", ["error_event", "cut", "stops_early", "malformed"])
def test_gi5__stream_that_breaks__raises_and_tells_no_reason(
    site: WireSite, client: genai.Client, provider: str, script: str
) -> None:
    site.provider.plan(script)
    reasons: list[Any] = []
    with pytest.raises(errors.ServerError) as told:
        read_reasons(client, MODELS[provider], reasons)
    assert reasons
    assert not any(reasons)
    assert "broke off" in (told.value.message or "")


def read_reasons(client: genai.Client, model: str, reasons: list[Any]) -> None:
    """Stream an answer, noting the reason of each chunk as it comes."""
    for chunk in client.models.generate_content_stream(model=model, contents="Hi"):
        reasons += [candidate.finish_reason for candidate in chunk.candidates or ()]


def test_gi5__refusals_of_ours__are_named(site: WireSite, client: genai.Client) -> None:
    with pytest.raises(errors.ClientError) as unknown:
        ask(client, "nobody", is_streamed=False)
    assert (unknown.value.code, unknown.value.status) == (404, "NOT_FOUND")
    with pytest.raises(errors.ClientError) as many:
        ask(client, MODELS["anthropic"], is_streamed=True, config={"candidate_count": 2})
    assert (many.value.code, many.value.status) == (400, "INVALID_ARGUMENT")
    assert "one choice per request" in str(many.value.details)
    search = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])
    with pytest.raises(errors.ClientError) as foreign:
        ask(client, MODELS["anthropic"], is_streamed=False, config=search)
    assert "tools[0].googleSearch" in str(foreign.value.details)


def test_t1__wrong_key__is_unauthenticated(site: WireSite) -> None:
    options = types.HttpOptions(base_url=site.address)
    with (
        genai.Client(api_key="llmr_nobody", http_options=options) as stranger,
        pytest.raises(errors.ClientError) as told,
    ):
        ask(stranger, MODELS["anthropic"], is_streamed=False)
    assert (told.value.code, told.value.status) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("model", [SLASHED, f"models/{SLASHED}", TUNED])
def test_gi1__names_with_slashes_and_folders__are_served(
    site: WireSite, client: genai.Client, model: str, is_streamed: bool
) -> None:
    site.provider.plan("text")
    chunks = ask(client, model, is_streamed=is_streamed)
    assert "".join(chunk.text or "" for chunk in chunks) == TEXT


def test_gi1__tokens__are_counted_without_a_provider(site: WireSite, client: genai.Client) -> None:
    before = len(site.provider.received)
    few = client.models.count_tokens(model=SLASHED, contents="hi").total_tokens
    many = client.models.count_tokens(model=SLASHED, contents=["hi " * 50, "you"]).total_tokens
    assert 0 < (few or 0) < (many or 0)
    assert len(site.provider.received) == before
    with pytest.raises(errors.ClientError) as told:
        client.models.count_tokens(model="nobody", contents="hi")
    assert told.value.code == 404


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_t4__stream_without_alt__is_a_json_array_that_grows(site: WireSite, version: str) -> None:
    address = f"{site.address}/{version}/models/{MODELS['anthropic']}:streamGenerateContent"
    body = {"contents": [{"parts": [{"text": "Hi"}]}]}
    site.provider.plan("paced")
    with httpx2.stream("POST", address, params={"key": site.key}, json=body) as answer:
        pieces = list(answer.iter_bytes())
    assert answer.headers["content-type"].startswith("application/json")
    assert len(pieces) > 3
    chunks = json.loads(b"".join(pieces))
    texts = [
        part["text"] for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]
    ]
    assert "".join(texts) == TEXT
    site.provider.plan("error_event")
    told = httpx2.post(address, params={"key": site.key}, json=body).json()
    assert told[-1]["error"]["status"] == "UNAVAILABLE"
    assert not any("finishReason" in chunk["candidates"][0] for chunk in told[:-1])
    refused = httpx2.post(address, params={"key": "llmr_nobody"}, json=body)
    assert (refused.status_code, refused.json()[0]["error"]["code"]) == (401, 401)


def test_t2__key_in_the_address__reaches_no_log_and_no_provider(site: WireSite) -> None:
    path = f"{site.address}/v1beta/models/{MODELS['anthropic']}"
    for action in ("generateContent", "nothingOfTheKind"):
        httpx2.post(f"{path}:{action}", params={"key": site.key}, json={"contents": "Hi"})
    assert site.key not in site.log.read_text(encoding="utf-8")
    asked = site.provider.received[-1].request
    assert site.key not in f"{asked.path}{asked.query}{asked.headers}{asked.body}"
