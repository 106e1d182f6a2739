"""Requests in the admin and over HTTP: found, told in both languages, by key and by role."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.enums import Role
from apps.tenants.models import Tenant
from apps.usage.types import UsageEvent
from tests.factories.keys import make_key
from tests.factories.people import make_member, make_project, make_tenant, make_user
from tests.factories.usage import make_attempt, make_event, write

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/usage/requestlog/"
LEDGER = "/admin/usage/ledgerentry/"
REPORT = "/api/v1/usage"
REQUESTS = "/api/v1/requests/"
# Session, person, membership and tenant, the filters' choices, the rows: whatever their number.
MOST_LIST_QUERIES = 40
PORTUGUESE = {"accept-language": "pt-br"}


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


def with_key(tenant: Tenant, *scopes: str) -> Client:
    key = make_key(make_project(tenant), scopes=list(scopes))
    return Client(headers={"authorization": f"Bearer {key.clear}"})


def page_of(client: Client, path: str, **more: Any) -> str:
    answer = client.get(path, **more)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def public(event: UsageEvent) -> str:
    return f"req_{event.event_id.hex}"


@pytest.mark.parametrize("role", list(Role))
def test_list__of_every_role__shows_the_own_requests_only(
    client: Client, tenant: Tenant, role: str
) -> None:
    write(make_event(tenant, rule="Mine"), make_event(make_tenant(), rule="Theirs"))
    client.force_login(make_member(tenant, role))
    page = page_of(client, LIST)
    assert "Mine" in page
    assert "Theirs" not in page


def test_list__searched_and_filtered__finds_by_label_and_outcome(
    client: Client, tenant: Tenant
) -> None:
    wanted = make_event(tenant, requested_model="wanted-model")
    failed = make_event(tenant, requested_model="other-model", status="error", http_status=502)
    write(wanted, failed)
    client.force_login(make_member(tenant, Role.ANALYST))
    for query, event in (("q=wanted", wanted), ("status=error", failed)):
        page = page_of(client, f"{LIST}?{query}")
        others = {wanted.event_id, failed.event_id} - {event.event_id}
        assert f"{event.event_id}/change/" in page
        assert not [id_ for id_ in others if f"{id_}/change/" in page]


@pytest.mark.parametrize("path", [LIST, LEDGER])
def test_list__of_many_rows__asks_no_more_than_of_few(
    client: Client, tenant: Tenant, path: str
) -> None:
    client.force_login(make_member(tenant))
    counts = []
    page_of(client, path)
    for _ in range(2):
        write(*(make_event(tenant) for _ in range(20)))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            page_of(client, path)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= MOST_LIST_QUERIES


def test_detail__with_attempts__tells_each_and_what_it_cost(client: Client, tenant: Tenant) -> None:
    attempts = (
        make_attempt(
            deployment="first", status="error", error_code="timeout", http_status=504, cost=0
        ),
        make_attempt(deployment="second", cost=1_234_567),
    )
    event = make_event(tenant, attempts=attempts)
    write(event)
    client.force_login(make_member(tenant, Role.ANALYST))
    page = page_of(client, f"{LIST}{event.event_id}/change/")
    assert public(event) in page
    assert "first: Error (timeout 504)" in page
    assert "second: OK, 10 / 20 tokens, 1.234567 USD" in page


def test_detail__with_nothing_decided__says_so_in_both_languages(
    client: Client, tenant: Tenant
) -> None:
    event = make_event(tenant, attempts=(), cost=0, status="rejected", http_status=429)
    write(event)
    client.force_login(make_member(tenant, Role.ANALYST))
    path = f"{LIST}{event.event_id}/change/"
    english, portuguese = page_of(client, path), page_of(client, path, headers=PORTUGUESE)
    assert "Nothing was decided." in english
    assert "No provider was called." in english
    for sentence in ("Nothing was decided.", "No provider was called."):
        assert sentence not in portuguese


def test_pages__in_portuguese__tell_outcomes_cache_and_dates_in_it(
    client: Client, tenant: Tenant
) -> None:
    attempts = (make_attempt(deployment="first", status="error", cost=0),)
    event = make_event(tenant, attempts=attempts, status="rejected", cache="miss")
    write(event)
    client.force_login(make_member(tenant, Role.ANALYST))
    shown = page_of(client, LIST, headers=PORTUGUESE)
    detail = page_of(client, f"{LIST}{event.event_id}/change/", headers=PORTUGUESE)
    for page in (shown, detail):
        assert "Recusada" in page
        assert "Fora do cache" in page
        assert re.search(r"\d\d/\d\d/\d{4} \d\d:\d\d", page)
    assert "first: Erro" in detail


def test_ledger_entry__in_portuguese__shows_dollars_and_no_inner_ids(
    client: Client, tenant: Tenant
) -> None:
    event = make_event(tenant, attempts=(make_attempt(cost=1_234_567, status="cut"),))
    write(event)
    client.force_login(make_member(tenant, Role.ANALYST))
    page = page_of(client, f"{LEDGER}{event.attempts[0].id}/change/", headers=PORTUGUESE)
    assert "1.234567" in page
    assert "Interrompida" in page
    assert "id</" not in page


def test_list__in_portuguese__names_its_columns(client: Client, tenant: Tenant) -> None:
    write(make_event(tenant))
    client.force_login(make_member(tenant, Role.ANALYST))
    assert "duration (ms)" in page_of(client, LIST).lower()
    assert "duration (ms)" not in page_of(client, LIST, headers=PORTUGUESE).lower()


def test_detail__of_another_tenant__is_out_of_reach(client: Client) -> None:
    event = make_event(make_tenant(), rule="Theirs")
    write(event)
    client.force_login(make_member())
    answer = client.get(f"{LIST}{event.event_id}/change/", follow=True)
    assert "Theirs" not in answer.content.decode()


@pytest.mark.parametrize("path", [LIST, LEDGER])
def test_books__by_anyone__are_only_read(client: Client, tenant: Tenant, path: str) -> None:
    event = make_event(tenant)
    write(event)
    row = event.event_id if path == LIST else event.attempts[0].id
    for person in (make_member(tenant), make_user(is_superuser=True)):
        client.force_login(person)
        assert client.get(f"{path}add/").status_code == 403
        assert client.post(f"{path}{row}/change/", {"cost": 0}).status_code == 403
        assert client.post(f"{path}{row}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("path", [REPORT, REQUESTS])
def test_api__by_key__needs_the_usage_scope(tenant: Tenant, path: str) -> None:
    assert with_key(tenant, "usage").get(path).status_code == 200
    assert with_key(tenant, "run", "manage").get(path).status_code == 403


@pytest.mark.parametrize("path", [REPORT, REQUESTS])
def test_api__without_a_credential__is_refused(client: Client, path: str) -> None:
    assert client.get(path).status_code in {401, 403}
    assert client.get(path, headers={"authorization": "Bearer llmr_no_key"}).status_code == 401


@pytest.mark.parametrize("role", list(Role))
def test_api__by_role__reads_the_own_books(client: Client, tenant: Tenant, role: str) -> None:
    own, foreign = make_event(tenant, cost=70), make_event(make_tenant(), cost=900)
    write(own, foreign)
    client.force_login(make_member(tenant, role))
    assert client.get(REPORT).json()["totals"]["cost_micro_usd"] == 70
    listed = client.get(REQUESTS).json()
    assert [row["id"] for row in listed["results"]] == [public(own)]
    assert client.get(f"{REQUESTS}{public(own)}/").status_code == 200
    assert client.get(f"{REQUESTS}{public(foreign)}/").status_code == 404


def test_api__person_without_a_tenant__is_refused(client: Client) -> None:
    client.force_login(make_user())
    assert client.get(REPORT).status_code == 403
    assert client.get(REQUESTS).status_code == 403


def test_api__request__is_listed_short_and_read_whole(tenant: Tenant) -> None:
    event = make_event(tenant, trace=[{"code": "x"}], conversation_id="conv_1")
    write(event)
    client = with_key(tenant, "usage")
    (listed,) = client.get(REQUESTS).json()["results"]
    assert not {"trace", "attempts"} & set(listed)
    read = client.get(f"{REQUESTS}{public(event)}/").json()
    assert (read["trace"], read["conversation_id"]) == ([{"code": "x"}], "conv_1")
    assert [item["cost"] for item in read["attempts"]] == [1_000]


@pytest.mark.parametrize("id_", ["x", "req_x", "conv_" + "0" * 32, "req_" + "0" * 32])
def test_api__request_that_is_none__is_404(tenant: Tenant, id_: str) -> None:
    answer = with_key(tenant, "usage").get(f"{REQUESTS}{id_}/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_api__requests_and_report__are_not_written_to(tenant: Tenant) -> None:
    event = make_event(tenant)
    write(event)
    client = with_key(tenant, "usage", "manage")
    assert client.post(REQUESTS).status_code == 405
    assert client.post(REPORT).status_code == 405
    assert client.delete(f"{REQUESTS}{public(event)}/").status_code == 405


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("from=2026-11-02&to=2026-11-01", "from"),
        ("from=2020-01-01&to=2026-01-01", "from"),
        ("group_by=secret", "group_by"),
    ],
)
def test_api__wrong_parameter__is_named(tenant: Tenant, query: str, param: str) -> None:
    answer = with_key(tenant, "usage").get(f"{REPORT}?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_api__report__measures_errors_cache_and_p95(tenant: Tenant) -> None:
    events = [make_event(tenant, total_ms=number, cache="miss") for number in range(1, 19)]
    slow = make_event(tenant, total_ms=900, status="error", http_status=502, cache="miss")
    hit = make_event(tenant, total_ms=1_000, cache="hit", attempts=(), cost=0)
    write(*events, slow, hit)
    told = with_key(tenant, "usage").get(REPORT).json()["totals"]
    assert (told["requests"], told["errors"], told["error_percent"]) == (20, 1, 5.0)
    # 19 of 20 took 900 ms or less.
    assert told["p95_ms"] == 900
    assert (told["cache_hits"], told["cache_percent"]) == (1, 5.0)
    assert (told["cost_micro_usd"], told["cost_usd"]) == (19_000, "0.019000")
    assert (told["input_tokens"], told["output_tokens"]) == (190, 380)


def test_api__export__is_a_csv_without_formulas(tenant: Tenant) -> None:
    labels = ("=1+1", "+1", "-1", "@sum", "plain")
    write(*(make_event(tenant, rule=label) for label in labels))
    answer = with_key(tenant, "usage").get(f"{REPORT}?group_by=rule&export=csv")
    assert answer["Content-Type"].startswith("text/csv")
    assert "attachment" in answer["Content-Disposition"]
    first = {line.split(",")[0] for line in answer.content.decode().splitlines()[1:]}
    assert first == {"'=1+1", "'+1", "'-1", "'@sum", "plain"}
