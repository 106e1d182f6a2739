"""E6, AA2, E4 on every server: limits and waits, as the vendors' own clients read them."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest
from anthropic import Anthropic
from google import genai
from google.genai import errors, types
from openai import OpenAI
from pytest_django.plugin import DjangoDbBlocker

from apps.providers.wire_servers.scripts import Script
from apps.routing.engine.attempts import DEFAULT_ATTEMPTS
from tests.doors.raw_http import post
from tests.factories.keys import make_key
from tests.factories.offers import empty_tables
from tests.factories.routed_site import MODELS, RoutedSite, routed_site

pytestmark = pytest.mark.keeps_redis

PER_MINUTE = 3
KEYS = 12
WAIT = 30
# What the simulated providers say of their own limits, with every answer.
OF_OPENAI = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
}
OF_ANTHROPIC = {
    f"anthropic-ratelimit-{kind}-{name}": value
    for kind in ("requests", "tokens", "input-tokens", "output-tokens")
    for name, value in (("limit", "1000"), ("remaining", "999"), ("reset", "2026-01-01T00:00:00Z"))
}
BUSY = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "busy"}
RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{WAIT}s"}
REFUSALS = {
    "openai": Script(status=429, headers={"retry-after": str(WAIT)}),
    "anthropic": Script(status=429, headers={"retry-after": str(WAIT)}),
    # Google says it in the body.
    "google": Script(
        status=429, body=json.dumps({"error": {**BUSY, "details": [RETRY_INFO]}}).encode()
    ),
}
TOLD: dict[str, dict[str, str]] = {"openai": OF_OPENAI, "anthropic": OF_ANTHROPIC, "google": {}}
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


@dataclass(frozen=True, slots=True)
class Limited:
    """A served site whose spare keys may send a few requests a minute each, one without money."""

    routed: RoutedSite
    keys: Iterator[str]
    poor: str

    def openai(self, key: str = "") -> OpenAI:
        address = f"{self.routed.address}/v1"
        return OpenAI(base_url=address, api_key=key or next(self.keys), max_retries=0)

    def anthropic(self, key: str = "") -> Anthropic:
        address = self.routed.address
        return Anthropic(base_url=address, api_key=key or next(self.keys), max_retries=0)

    def gemini(self, key: str = "") -> genai.Client:
        options = types.HttpOptions(base_url=self.routed.address)
        return genai.Client(api_key=key or next(self.keys), vertexai=False, http_options=options)


@pytest.fixture(scope="module", params=["granian", "uvicorn"])
def served(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Limited]:
    folder = tmp_path_factory.mktemp("limited")
    with django_db_blocker.unblock():
        empty_tables()
        with routed_site(folder, server=request.param) as routed:
            made = [make_key(routed.project, requests_per_minute=PER_MINUTE) for _ in range(KEYS)]
            poor = make_key(routed.project, monthly_budget=1).clear
            yield Limited(routed, iter([key.clear for key in made]), poor)
        empty_tables()


@pytest.fixture
def site(served: Limited) -> Limited:
    """The module's site, with a provider that has forgotten the test before."""
    served.routed.provider.forget()
    return served


def seconds(duration: str) -> float:
    """Read what OpenAI writes below a minute, and a minute."""
    minutes, _, rest = duration.rpartition("m") if "ms" not in duration else ("", "", duration)
    if rest.endswith("ms"):
        return float(rest.removesuffix("ms")) / 1_000
    return int(minutes or 0) * 60 + float(rest.removesuffix("s"))


def until(moment: str) -> float:
    """Return the seconds until a moment in RFC 3339."""
    return (dt.datetime.fromisoformat(moment) - dt.datetime.now(dt.UTC)).total_seconds()


def about_limits(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if "ratelimit" in name}


def test_e6__openais_client__reads_its_own_headers(site: Limited) -> None:
    with site.openai() as client:
        create = client.chat.completions.with_raw_response.create
        whole = create(model=MODELS["openai"], messages=HELLO)
        assert whole.parse().choices[0].message.content
        streamed = create(model=MODELS["openai"], messages=HELLO, stream=True)
        assert list(streamed.parse())
        third = create(model=MODELS["anthropic"], messages=HELLO)
        with pytest.raises(openai.RateLimitError) as told:
            create(model=MODELS["openai"], messages=HELLO, stream=True)
    refused = told.value.response
    answers = [whole.headers, streamed.headers, third.headers, refused.headers]
    for headers, left in zip(answers, ("2", "1", "0", "0"), strict=True):
        assert set(about_limits(headers)) == set(OF_OPENAI)
        assert headers["x-ratelimit-limit-requests"] == str(PER_MINUTE)
        assert headers["x-ratelimit-remaining-requests"] == left
    resets = [seconds(headers["x-ratelimit-reset-requests"]) for headers in answers]
    assert resets[:3] == sorted(resets[:3])
    assert 0 < int(refused.headers["retry-after"]) <= 20 < resets[3] <= 60
    assert told.value.code == "rate_limit_exceeded"


def test_e6__anthropics_client__reads_its_own_headers(site: Limited) -> None:
    with site.anthropic() as client:
        create = client.messages.with_raw_response.create
        # The client warns of the name of the model itself.
        model = site.routed.spare(MODELS["anthropic"])
        asked: dict[str, Any] = {"max_tokens": 50, "messages": HELLO}
        whole = create(model=model, **asked)
        assert whole.parse().content
        streamed = create(model=model, stream=True, **asked)
        assert list(streamed.parse())
        third = create(model=MODELS["openai"], **asked)
        with pytest.raises(anthropic.RateLimitError) as told:
            create(model=model, stream=True, **asked)
    refused = told.value.response
    answers = [whole.headers, streamed.headers, third.headers, refused.headers]
    for headers, left in zip(answers, ("2", "1", "0", "0"), strict=True):
        names = ("limit", "remaining", "reset")
        assert set(about_limits(headers)) == {f"anthropic-ratelimit-requests-{n}" for n in names}
        assert headers["anthropic-ratelimit-requests-limit"] == str(PER_MINUTE)
        assert headers["anthropic-ratelimit-requests-remaining"] == left
    reset = refused.headers["anthropic-ratelimit-requests-reset"]
    assert 0 < int(refused.headers["retry-after"]) <= 20 < until(reset) <= 61


def test_e6__googles_client__reads_the_wait_in_the_refusal(site: Limited) -> None:
    model = MODELS["google"]
    with site.gemini() as client:
        for _ in range(PER_MINUTE - 1):
            assert client.models.generate_content(model=model, contents="Hello").text
        assert list(client.models.generate_content_stream(model=model, contents="Hello"))
        with pytest.raises(errors.ClientError) as told:
            client.models.generate_content(model=model, contents="Hello")
        with pytest.raises(errors.ClientError) as streamed:
            list(client.models.generate_content_stream(model=model, contents="Hello"))
    assert (told.value.code, told.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert streamed.value.code == 429
    assert about_limits(told.value.response.headers) == {}
    wait = told.value.response.headers["retry-after"]
    assert 0 < int(wait) <= 20
    assert {**RETRY_INFO, "retryDelay": f"{wait}s"} in told.value.details["error"]["details"]


def test_section_11__spent_budget__is_not_asked_again_by_the_clients(site: Limited) -> None:
    asked: dict[str, Any] = {"messages": HELLO, "max_tokens": 50}
    openais = site.openai(site.poor).with_options(max_retries=2)
    with openais as client, pytest.raises(openai.RateLimitError) as one:
        client.chat.completions.create(model=MODELS["openai"], **asked)
    anthropics = site.anthropic(site.poor).with_options(max_retries=2)
    with anthropics as other, pytest.raises(anthropic.PaymentRequiredError) as two:
        other.messages.create(model=site.routed.spare(MODELS["anthropic"]), **asked)
    assert one.value.code == "budget_exceeded"
    for refused in (one.value.response, two.value.response):
        assert refused.request.headers["x-stainless-retry-count"] == "0"


def test_e6__our_own_api__tells_it_as_openai_does(site: Limited) -> None:
    body = {"model": MODELS["openai"], "messages": HELLO}
    bearer = {"authorization": f"Bearer {next(site.keys)}"}
    *answers, refused = [
        post(site.routed.address, "/api/v1/complete", body, bearer) for _ in range(PER_MINUTE + 1)
    ]
    told = [answer.headers["x-ratelimit-remaining-requests"] for answer in answers]
    assert told == ["2", "1", "0"]
    assert refused.status == 429
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert 0 < int(refused.headers["retry-after"]) <= 20


@pytest.mark.parametrize("wire", MODELS)
def test_aa2_e4__refusal_of_the_provider__passes_its_wait_and_its_limits_on(
    site: Limited, wire: str
) -> None:
    """The standard names stay the key's own; without a limit of ours nobody has them."""
    key, own = site.routed.key, {f"x-upstream-{name}": said for name, said in TOLD[wire].items()}
    with site.openai(key) as client:
        site.routed.provider.plan(REFUSALS[wire])
        with pytest.raises(openai.RateLimitError) as one:
            client.chat.completions.create(model=site.routed.spare(MODELS[wire]), messages=HELLO)
    with site.anthropic(key) as client:
        site.routed.provider.plan(REFUSALS[wire])
        with pytest.raises(anthropic.RateLimitError) as two:
            client.messages.create(
                model=site.routed.spare(MODELS[wire]), messages=HELLO, max_tokens=50, stream=True
            )
    with site.gemini(key) as client:
        site.routed.provider.plan(REFUSALS[wire])
        with pytest.raises(errors.ClientError) as three:
            client.models.generate_content(model=site.routed.spare(MODELS[wire]), contents="Hello")
    assert three.value.status == "RESOURCE_EXHAUSTED"
    assert RETRY_INFO in three.value.details["error"]["details"]
    for refused in (one.value.response, two.value.response, three.value.response):
        assert refused.headers["retry-after"] == str(WAIT)
        assert about_limits(refused.headers) == own


def test_e6__refusal_of_the_provider__leaves_the_standard_names_to_the_key(site: Limited) -> None:
    with site.anthropic() as client:
        site.routed.provider.plan(REFUSALS["anthropic"])
        with pytest.raises(anthropic.RateLimitError) as told:
            client.messages.create(
                model=site.routed.spare(MODELS["anthropic"]), messages=HELLO, max_tokens=50
            )
    headers = told.value.response.headers
    assert headers["retry-after"] == str(WAIT)
    assert headers["anthropic-ratelimit-requests-limit"] == str(PER_MINUTE)
    assert headers["anthropic-ratelimit-requests-remaining"] == "2"
    assert headers["x-upstream-anthropic-ratelimit-requests-limit"] == "1000"
    assert "anthropic-ratelimit-tokens-limit" not in headers


def test_e6__answer_to_a_key_without_a_rate__has_no_header_of_anybodys(site: Limited) -> None:
    with site.openai(site.routed.key) as client:
        for model in MODELS.values():
            raw = client.chat.completions.with_raw_response.create(model=model, messages=HELLO)
            assert about_limits(raw.headers) == {}


def test_e4__provider_that_is_down_and_says_until_when__is_passed_on(site: Limited) -> None:
    # It is asked as often as any that may be back at once.
    script = Script(status=503, headers={"retry-after": str(WAIT)})
    site.routed.provider.plan(*[script] * DEFAULT_ATTEMPTS)
    with site.openai(site.routed.key) as client, pytest.raises(openai.InternalServerError) as told:
        client.chat.completions.create(model=site.routed.spare(MODELS["openai"]), messages=HELLO)
    assert told.value.response.headers["retry-after"] == str(WAIT)
