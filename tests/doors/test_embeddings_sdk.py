"""Embeddings by the official client, over every wire that makes vectors. OO13."""

import math
from typing import Any

import httpx2
import openai
import pytest
from google import genai
from google.genai import types
from openai import OpenAI

from apps.core.vectors import as_numbers
from apps.providers.wire_servers.scripts import Script
from tests.factories.offers import SECRET
from tests.factories.routed_site import MODELS, VECTOR_MODELS, RoutedSite

pytestmark = pytest.mark.keeps_redis

DIMENSIONS = {"openai": 1536, "google": 3072}
WIRES = pytest.mark.parametrize("wire", list(VECTOR_MODELS))


@pytest.fixture
def site(routed: RoutedSite) -> RoutedSite:
    return routed


@pytest.fixture
def client(routed_client: OpenAI) -> OpenAI:
    return routed_client


def post(site: RoutedSite, **body: Any) -> httpx2.Response:
    """Send a body as no official client would."""
    headers = {"authorization": f"Bearer {site.key}"}
    return httpx2.post(f"{site.address}/v1/embeddings", json=body, headers=headers)


def test_oo13__client_that_names_no_form__gets_whole_vectors_in_order(
    site: RoutedSite, client: OpenAI
) -> None:
    for wire, model in VECTOR_MODELS.items():
        inputs = ["red", "green", "blue"]
        answer = client.embeddings.create(model=model, input=inputs)
        assert [record.index for record in answer.data] == [0, 1, 2]
        assert {len(record.embedding) for record in answer.data} == {DIMENSIONS[wire]}
        alone = [client.embeddings.create(model=model, input=one).data[0] for one in inputs]
        for together, single in zip(answer.data, alone, strict=True):
            assert together.embedding == pytest.approx(single.embedding, abs=1e-6)
        assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0
        assert answer.model == model
    assert all(SECRET in str(request.headers) for request in site.provider.received)
    assert site.key not in str(site.provider.received)


def test_oo13__base64_and_numbers__are_the_same_vector(site: RoutedSite) -> None:
    for model in VECTOR_MODELS.values():
        answers = {
            form: post(site, model=model, input="red", **extra).json()["data"][0]["embedding"]
            for form, extra in {
                "nothing": {},
                "float": {"encoding_format": "float"},
                "base64": {"encoding_format": "base64"},
            }.items()
        }
        assert isinstance(answers["base64"], str)
        assert isinstance(answers["nothing"], list)
        assert answers["nothing"] == answers["float"]
        assert list(as_numbers(answers["base64"])) == pytest.approx(answers["float"], abs=1e-6)


def test_oo13__server_without_base64__is_asked_for_numbers_and_answered_in_base64(
    site: RoutedSite, client: OpenAI
) -> None:
    refusal = Script(status=400, message="encoding_format: only float is supported")
    site.provider.plan(refusal, Script())
    answer = client.embeddings.create(model=VECTOR_MODELS["openai"], input="red")
    assert len(answer.data[0].embedding) == DIMENSIONS["openai"]
    asked = [request.body.get("encoding_format") for request in site.provider.received]
    assert asked == ["base64", None]


def test_tokens__given_as_numbers__go_where_they_have_a_meaning(
    site: RoutedSite, client: OpenAI
) -> None:
    one = client.embeddings.create(model=VECTOR_MODELS["openai"], input=[5, 6, 7])
    many = client.embeddings.create(model=VECTOR_MODELS["openai"], input=[[5], [6, 7]])
    assert (len(one.data), len(many.data)) == (1, 2)


def test_tokens__of_openais_vocabulary__are_texts_to_a_provider_that_takes_none(
    site: RoutedSite, client: OpenAI
) -> None:
    """LangChain sends them by itself, to whatever model."""
    model = VECTOR_MODELS["google"]
    [told] = client.embeddings.create(model=model, input="red").data
    [meant] = client.embeddings.create(model=model, input=[1171]).data
    assert meant.embedding == told.embedding
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=model, input=[200_000])
    assert refused.value.param == "input"


@WIRES
def test_dimensions__that_are_asked_for__are_those_of_the_vector(
    site: RoutedSite, client: OpenAI, wire: str
) -> None:
    answer = client.embeddings.create(model=VECTOR_MODELS[wire], input="red", dimensions=64)
    assert len(answer.data[0].embedding) == 64
    assert math.isfinite(sum(answer.data[0].embedding))


@pytest.mark.parametrize(
    ("param", "body"),
    [
        ("model", {"input": "red"}),
        ("model", {"input": "red", "model": "auto"}),
        ("input", {"model": "m"}),
        ("input", {"model": "m", "input": []}),
        ("input", {"model": "m", "input": 5}),
        ("input", {"model": "m", "input": ""}),
        ("input[1]", {"model": "m", "input": ["a", ""]}),
        ("input[0]", {"model": "m", "input": [["a"]]}),
        ("encoding_format", {"model": "m", "input": "a", "encoding_format": "int8"}),
        ("dimensions", {"model": "m", "input": "a", "dimensions": 0}),
        ("dimensions", {"model": "m", "input": "a", "dimensions": 20_000_000}),
    ],
)
def test_wrong_body__names_the_field(param: str, body: dict[str, Any], site: RoutedSite) -> None:
    answer = post(site, **body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert site.provider.received == []


def test_model__of_the_other_kind__is_refused_by_name(site: RoutedSite, client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="embeddings"):
        client.embeddings.create(model=MODELS["openai"], input="red")
    with pytest.raises(openai.BadRequestError, match="makes vectors"):
        client.chat.completions.create(
            model=VECTOR_MODELS["openai"], messages=[{"role": "user", "content": "hi"}]
        )
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="nobody", input="red")
    assert site.provider.received == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, openai.BadRequestError),
        (401, openai.InternalServerError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_status__of_the_provider__is_the_clients_exception(
    site: RoutedSite, client: OpenAI, status: int, expected: type[Exception]
) -> None:
    for model in VECTOR_MODELS.values():
        site.provider.script = Script(status=status, message="no")
        with pytest.raises(expected):
            client.embeddings.create(model=site.spare(model), input="red")


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_gi1__client_of_gemini__gets_vectors_of_every_wire(site: RoutedSite, version: str) -> None:
    options = types.HttpOptions(base_url=site.address, api_version=version)
    client = genai.Client(api_key=site.key, vertexai=False, http_options=options)
    config = types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", output_dimensionality=64)
    for wire, model in VECTOR_MODELS.items():
        pair = client.models.embed_content(model=model, contents=["red", "green"], config=config)
        assert sizes_of(pair) == [64, 64]
        one = client.models.embed_content(model=model, contents="red")
        assert sizes_of(one) == [DIMENSIONS[wire]]
    batches = [request.body.get("requests", []) for request in site.provider.received]
    purposes = [text.get("taskType") for batch in batches for text in batch]
    assert purposes.count("RETRIEVAL_QUERY") == 2


def sizes_of(answer: types.EmbedContentResponse) -> list[int]:
    return [len(each.values or ()) for each in answer.embeddings or ()]


@pytest.mark.parametrize(
    ("action", "body", "param"),
    [
        ("embedContent", {}, "content.parts"),
        ("embedContent", {"content": {"parts": [{"inlineData": {}}]}}, "content.parts"),
        ("embedContent", {"content": {"parts": [{"text": ""}]}}, "content.parts"),
        ("batchEmbedContents", {}, "requests"),
        ("batchEmbedContents", {"requests": [5]}, "requests[0]"),
        ("batchEmbedContents", {"requests": [{"content": {"parts": []}}]}, "requests[0].content"),
    ],
)
def test_gi5__wrong_text__is_named_in_geminis_words(
    site: RoutedSite, action: str, body: dict[str, Any], param: str
) -> None:
    address = f"{site.address}/v1beta/models/{VECTOR_MODELS['google']}:{action}"
    answer = httpx2.post(address, json=body, headers={"x-goog-api-key": site.key})
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (400, "INVALID_ARGUMENT")
    assert param in str(error)


def test_gi1__what_openai_has_no_word_for__is_told(site: RoutedSite) -> None:
    body = {"content": {"parts": [{"text": "red"}]}, "task_type": "RETRIEVAL_QUERY"}
    address = f"{site.address}/v1beta/models/{VECTOR_MODELS['openai']}:embedContent"
    answer = httpx2.post(address, json=body, headers={"x-goog-api-key": site.key})
    assert answer.status_code == 200
    assert answer.headers["x-router-dropped"] == "taskType"
    assert len(answer.json()["embedding"]["values"]) == DIMENSIONS["openai"]
