"""Several answers to one request ("n", "candidateCount"), asked for by the official clients."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from google import genai
from google.genai import errors, types

from apps.providers.wire_servers.habits import Habits
from apps.providers.wire_servers.scripts import SCRIPTS, TEXT, Script, Tokens
from tests.doors.books import everything_booked
from tests.doors.raw_http import Json, Raw, post
from tests.factories.offers import empty_tables
from tests.factories.routed_site import MODELS, RoutedSite, routed_site

pytestmark = pytest.mark.keeps_redis

BOTH = "either"
TEXTS = [TEXT, f"{TEXT} [1]"]
CALLS = [(call.name, dict(call.arguments)) for call in SCRIPTS["parallel_tools"].calls]
MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
PROVIDERS = pytest.mark.parametrize("provider", ["openai", "google"])
HELLO: Any = [{"role": "user", "content": "Say hello."}]
WEATHER: Json = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]

# By the number of the answer: what it says, and why it ends.
type Answers = dict[int, tuple[str, str]]


@pytest.fixture(scope="module")
def site_for_module(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any
) -> Iterator[RoutedSite]:
    aliases = {BOTH: [MODELS["anthropic"], MODELS["openai"]]}
    with django_db_blocker.unblock():
        empty_tables()
        with routed_site(tmp_path_factory.mktemp("several"), spares=0, aliases=aliases) as running:
            yield running
        empty_tables()


@pytest.fixture
def site(site_for_module: RoutedSite, db: None) -> RoutedSite:
    site_for_module.forget()
    return site_for_module


@pytest.fixture
def openai_client(site: RoutedSite) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{site.address}/v1", api_key=site.key, max_retries=0)


@pytest.fixture
def google_client(site: RoutedSite) -> genai.Client:
    options = types.HttpOptions(base_url=site.address)
    return genai.Client(api_key=site.key, vertexai=False, http_options=options)


def by_openai(client: openai.OpenAI, model: str, *, is_streamed: bool, **asked: Any) -> Answers:
    """Ask for two answers."""
    asked |= {"model": model, "messages": HELLO, "n": 2}
    if not is_streamed:
        whole = client.chat.completions.create(**asked)
        return {one.index: (one.message.content or "", one.finish_reason) for one in whole.choices}
    texts, ends = defaultdict[int, str](str), dict[int, str]()
    for chunk in client.chat.completions.create(stream=True, **asked):
        for choice in chunk.choices:
            assert choice.index not in ends
            texts[choice.index] += choice.delta.content or ""
            if choice.finish_reason:
                ends[choice.index] = choice.finish_reason
    return {index: (texts[index], ends[index]) for index in texts}


def by_google(client: genai.Client, model: str, *, is_streamed: bool) -> Answers:
    """Ask for two answers."""
    config = types.GenerateContentConfig(candidate_count=2)
    models = client.models
    if is_streamed:
        chunks = list(
            models.generate_content_stream(model=model, contents="Say hello.", config=config)
        )
    else:
        chunks = [models.generate_content(model=model, contents="Say hello.", config=config)]
    texts, ends = defaultdict[int, str](str), dict[int, str]()
    for chunk in chunks:
        for candidate in chunk.candidates or ():
            at = candidate.index or 0
            parts = (candidate.content and candidate.content.parts) or ()
            texts[at] += "".join(part.text or "" for part in parts)
            if candidate.finish_reason:
                ends[at] = candidate.finish_reason.value
    return {index: (texts[index], ends[index]) for index in texts}


@MODES
@PROVIDERS
def test_oa20__several_answers__are_all_told_and_booked_once(
    site: RoutedSite, openai_client: openai.OpenAI, provider: str, is_streamed: bool
) -> None:
    site.provider.script = Script(tokens=Tokens(fresh=30, cached=0, output=14, reasoning=0))
    found = by_openai(openai_client, MODELS[provider], is_streamed=is_streamed)
    assert found == {index: (text, "stop") for index, text in enumerate(TEXTS)}
    (entry,) = everything_booked()[0].entries
    assert (entry.input_tokens, entry.output_tokens, entry.is_estimated) == (30, 14, False)


@MODES
@PROVIDERS
def test_og7__several_candidates__are_all_told(
    google_client: genai.Client, provider: str, is_streamed: bool
) -> None:
    found = by_google(google_client, MODELS[provider], is_streamed=is_streamed)
    assert found == {index: (text, "STOP") for index, text in enumerate(TEXTS)}


@MODES
@PROVIDERS
def test_several_answers__that_call_tools__have_their_own_calls(
    site: RoutedSite, provider: str, is_streamed: bool
) -> None:
    site.provider.script = SCRIPTS["parallel_tools"]
    raw = ask(site, MODELS[provider], tools=TOOLS, stream=is_streamed)
    pieces = defaultdict[tuple[int, int], list[Json]](list)
    ends = dict[int, str]()
    for index, message, end in steps_of(raw, is_streamed=is_streamed):
        for place, call in enumerate(message.get("tool_calls") or ()):
            pieces[index, call.get("index", place)].append(call["function"])
        ends |= {index: end} if end else {}
    assert ends == {0: "tool_calls", 1: "tool_calls"}
    told = [
        (functions[0]["name"], json.loads("".join(one["arguments"] for one in functions)))
        for _, functions in sorted(pieces.items())
    ]
    assert told == CALLS * 2


@MODES
def test_oa20__provider_with_one_answer_only__is_never_asked(
    site: RoutedSite, openai_client: openai.OpenAI, google_client: genai.Client, is_streamed: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        by_openai(openai_client, MODELS["anthropic"], is_streamed=is_streamed)
    assert refused.value.param == "n"
    with pytest.raises(errors.ClientError) as told:
        by_google(google_client, MODELS["anthropic"], is_streamed=is_streamed)
    assert (told.value.code, told.value.status) == (400, "INVALID_ARGUMENT")
    assert not site.provider.received


@MODES
def test_x3__provider_with_one_answer_only__is_skipped_for_another(
    site: RoutedSite, openai_client: openai.OpenAI, is_streamed: bool
) -> None:
    found = by_openai(openai_client, BOTH, is_streamed=is_streamed)
    assert [text for text, _ in found.values()] == TEXTS
    assert [one.path for one in site.provider.received] == ["/v1/chat/completions"]


@MODES
def test_oa20__server_that_ignores_the_number__is_told_of_and_its_stream_is_no_whole_answer(
    site: RoutedSite, is_streamed: bool
) -> None:
    site.provider.habits = Habits(ignores_n=True)
    try:
        raw = ask(site, MODELS["openai"], stream=is_streamed)
    finally:
        site.provider.habits = Habits()
    assert raw.status == 200
    if is_streamed:
        assert b'"error"' in raw.body
        assert b"[DONE]" not in raw.body
    else:
        assert raw.headers["x-router-dropped"] == "n"
        assert len(json.loads(raw.body)["choices"]) == 1


def ask(site: RoutedSite, model: str, **more: Any) -> Raw:
    """Ask for two answers; return what came, byte for byte."""
    body: Json = {"model": model, "messages": HELLO, "n": 2, **more}
    return post(site.address, "/v1/chat/completions", body, {"authorization": f"Bearer {site.key}"})


def steps_of(raw: Raw, *, is_streamed: bool) -> Iterator[tuple[int, Json, str | None]]:
    """Yield number, message or delta, and reason of all that an answer says."""
    told = raw.events() if is_streamed else [json.loads(raw.body)]
    for chunk in told:
        for choice in chunk["choices"] if isinstance(chunk, dict) else ():
            said = choice["delta"] if is_streamed else choice["message"]
            yield choice["index"], said, choice["finish_reason"]
