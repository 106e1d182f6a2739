"""Lines of the compatibility list that hold at every door: streams, headers, errors, retries."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.providers.wire_servers.scripts import TEXT, Script
from apps.routing.engine.attempts import DEFAULT_ATTEMPTS
from tests.doors.entrances import DOORS, STREAMING, Question, carrying
from tests.doors.raw_http import PIECE_BYTES, opened, post
from tests.factories.offers import SECRET, empty_tables
from tests.factories.routed_site import MODELS, RoutedSite, routed_site

pytestmark = pytest.mark.keeps_redis

# Each door and each provider needs a few models that may fail.
SPARES = 80
# What vendors' clients send along, and no provider of another tenant's account may see.
OF_CLIENTS = {
    "idempotency-key": "client-key-1",
    "openai-organization": "org-of-the-client",
    "openai-project": "proj-of-the-client",
    "x-stainless-lang": "python",
    "accept-encoding": "gzip, br",
    "cookie": "session=of-the-client",
}
# One that speaks in its errors as nobody should.
TELLTALE = f"Traceback: b'no {SECRET}' at line 1\n\n  in https://inside.example"
TRIED_ONCE = (400, 413, 422)
TRIED_ON = (500, 502, 503, 529)
# What a provider says of our credential or address there is no fault of the caller's.
NOT_THE_CALLERS = (401, 402, 403, 404)


@pytest.fixture(scope="module")
def site_for_module(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any
) -> Iterator[RoutedSite]:
    """A running site; the alias of a pair is served by the first, else by the second wire."""
    pairs = [(first, second) for first in MODELS for second in MODELS if first != second]
    aliases = {
        f"{first}-or-{second}": (f"{MODELS[first]}-spare-{place}", MODELS[second])
        for place, (first, second) in enumerate(pairs)
    }
    folder = tmp_path_factory.mktemp("lines")
    with django_db_blocker.unblock():
        empty_tables()
        with routed_site(folder, spares=SPARES, aliases=aliases) as running:
            # The first ones belong to the aliases.
            for model in MODELS.values():
                for _ in pairs:
                    running.spare(model)
            yield running
        empty_tables()


@pytest.fixture
def site(site_for_module: RoutedSite) -> RoutedSite:
    site_for_module.forget()
    return site_for_module


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("door", STREAMING)
def test_t3__stream__arrives_as_it_is_said_and_never_packed(
    site: RoutedSite, door: str, provider: str
) -> None:
    # Half of the answer is said, and then nothing for as long as the client stays.
    site.provider.script = Script(stalls=True)
    question = Question(MODELS[provider], is_streamed=True)
    path, headers = carrying(DOORS[door].path(question), site.key, DOORS[door].keys[0])
    came = b""
    body = DOORS[door].body(question)
    with opened(site.address, path, body, {**headers, **OF_CLIENTS}) as connection:
        while TEXT[:3].encode() not in came and b"Ol\\u00e1" not in came:
            piece = connection.recv(PIECE_BYTES)
            assert piece, came
            came += piece
    head = came.partition(b"\r\n\r\n")[0].lower()
    is_array = door == "gemini v1"
    expected = b"content-type: " + (b"application/json" if is_array else b"text/event-stream")
    assert expected in head
    assert b"content-encoding" not in head


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("door", DOORS)
def test_t17__headers_of_the_vendors_clients__are_tolerated_and_not_forwarded(
    site: RoutedSite, door: str, provider: str
) -> None:
    question = Question(MODELS[provider])
    path, headers = carrying(DOORS[door].path(question), site.key, DOORS[door].keys[0])
    raw = post(site.address, path, DOORS[door].body(question), {**headers, **OF_CLIENTS})
    assert raw.status == 200, raw.body
    (received,) = site.provider.received
    told = {name: received.headers.get(name) for name in OF_CLIENTS}
    assert not set(told.values()) & set(OF_CLIENTS.values())


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("door", DOORS)
def test_e2_e3__refusal_of_our_credential__is_a_clean_fault_of_the_gateway(
    site: RoutedSite, door: str, provider: str
) -> None:
    for status in NOT_THE_CALLERS:
        site.provider.script = Script(status=status, message=TELLTALE)
        raw = DOORS[door].ask(site.address, site.key, Question(site.spare(MODELS[provider])))
        assert raw.status == 502, raw.body
        message = DOORS[door].hear(raw).error
        assert "b'no [credential]'" in message
        assert SECRET not in raw.bytes.decode()
        assert "\n" not in message


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("door", DOORS)
def test_e5__what_the_caller_did_wrong__is_asked_once_and_an_outage_a_few_times(
    site: RoutedSite, door: str, provider: str
) -> None:
    for statuses, most in ((TRIED_ONCE, 1), (TRIED_ON, DEFAULT_ATTEMPTS)):
        for status in statuses:
            site.forget()
            site.provider.script = Script(status=status)
            raw = DOORS[door].ask(site.address, site.key, Question(site.spare(MODELS[provider])))
            assert raw.status >= 400
            assert 1 <= len(site.provider.received) <= most, status


@pytest.mark.parametrize("first", MODELS)
@pytest.mark.parametrize("door", DOORS)
def test_x2__answer_of_the_second_provider__is_in_the_callers_dialect(
    site: RoutedSite, door: str, first: str
) -> None:
    entrance = DOORS[door]
    for second in set(MODELS) - {first}:
        for is_streamed in (False,) if entrance.has_text_only else (False, True):
            site.forget()
            # Whoever is asked first fails; there is no second byte of its answer to glue on.
            site.provider.plan("error_first" if is_streamed else "500")
            question = Question(f"{first}-or-{second}", is_streamed)
            heard = entrance.hear(entrance.ask(site.address, site.key, question))
            assert (heard.text, heard.end, heard.error) == (TEXT, entrance.end_of_text, "")
            assert heard.usage is not None
            assert (heard.usage.input, heard.usage.output) == (25, 7)
