"""Usage reports: totals that are sums of the ledger, groups, filters, CSV; by key and by role."""

import datetime as dt
import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.core.errors import InvalidRequest
from apps.core.scoping import all_tenants, tenant_scope
from apps.tenants.models import Tenant
from apps.usage.filters import UsageFilter, parse_filter
from apps.usage.models import LedgerEntry
from apps.usage.report_csv import report_csv
from apps.usage.selectors import Group, Measures, choices, grouped, totals
from apps.usage.types import AttemptRecord
from tests.factories.keys import make_key
from tests.factories.people import PASSWORD, make_member, make_project, make_tenant
from tests.factories.usage import make_attempt, make_event, write

pytestmark = pytest.mark.django_db(transaction=True)


def everything() -> UsageFilter:
    return parse_filter({})


def attempt(model: str, cost: int) -> tuple[AttemptRecord, ...]:
    return (make_attempt(model=model, cost=cost),)


@pytest.fixture
def tenant() -> Tenant:
    """A tenant with four requests, beside another one's."""
    made = make_tenant(slug="acme")
    write(
        make_event(made, model="a", rule="One", attempts=attempt("a", 100), total_ms=10),
        make_event(made, model="b", attempts=attempt("b", 300), total_ms=20),
        make_event(made, model="a", attempts=(), cost=0, cache="hit", total_ms=1),
        make_event(made, model="", attempts=(), cost=0, status="error", http_status=502),
        make_event(make_tenant(slug="globex"), cost=10_000),
    )
    return made


def test_totals__of_a_tenant__are_the_sums_of_its_own_books(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        measures = totals(everything())
        entries = sum(LedgerEntry.objects.values_list("cost", flat=True))
    assert (measures.requests, measures.errors, measures.cache_hits) == (4, 1, 1)
    assert measures.cost == entries == 400
    assert (measures.cache_percent, measures.error_percent) == (25.0, 25.0)


def test_totals__of_the_platform__hold_every_tenant(tenant: Tenant) -> None:
    with all_tenants("tests"):
        assert totals(everything()).cost == 10_400
        by_tenant = grouped(everything(), "tenant")
    assert [(group.label, group.measures.cost) for group in by_tenant] == [
        ("globex", 10_000),
        ("acme", 400),
    ]


def test_groups__add_up_to_the_totals(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        whole = totals(everything())
        for dimension in ("project", "key", "model", "rule", "day"):
            groups = grouped(everything(), dimension)
            assert sum(group.measures.cost for group in groups) == whole.cost, dimension
            assert sum(group.measures.requests for group in groups) == whole.requests, dimension


def test_days__without_requests__are_there_with_zeros(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        days = grouped(everything(), "day")
    assert len(days) == 14
    assert days[0].measures == Measures()


def test_percentile__of_latencies__is_not_passed_by_95_of_100() -> None:
    made = make_tenant()
    write(*(make_event(made, total_ms=number) for number in range(1, 101)))
    with tenant_scope(made.pk):
        assert totals(everything()).p95_ms == 95


def test_filter__by_label__narrows_everything(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        narrowed = totals(parse_filter({"rule": "One"}))
        assert (narrowed.requests, narrowed.cost) == (1, 100)
        assert choices(everything(), "rule") == ["One"]


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "from"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "from"),
    ],
)
def test_filter__wrong_parameter__is_named(parameters: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_filter(parameters)
    assert refused.value.param == param


def test_filter__without_days__is_the_last_two_weeks() -> None:
    wanted = parse_filter({})
    assert (wanted.end - wanted.start) == dt.timedelta(days=13)


def test_csv__label_that_looks_like_a_formula__is_text() -> None:
    text = report_csv([Group("=1+1", Measures(cost=5))], "rule").content.decode()
    assert "'=1+1" in text.splitlines()[1]
    assert "0.000005" in text


def test_api__by_key_with_the_scope__reports_its_tenant_only(
    tenant: Tenant, client: Client
) -> None:
    key = make_key(make_project(tenant), scopes=["usage"])
    report = _get(client, "/api/v1/usage?group_by=model", key.clear)
    assert report["totals"]["cost_micro_usd"] == 400
    assert [group["group"] for group in report["groups"]][:2] == ["b", "a"]
    told = client.get("/api/v1/usage?group_by=x", headers=_bearer(key.clear))
    assert told.status_code == 400
    assert told.json()["error"]["param"] == "group_by"


def test_api__by_key_without_the_scope__is_403(tenant: Tenant, client: Client) -> None:
    key = make_key(make_project(tenant), scopes=["run"])
    assert client.get("/api/v1/usage", headers=_bearer(key.clear)).status_code == 403


def test_api__request_of_another_tenant__is_404(tenant: Tenant, client: Client) -> None:
    key = make_key(make_project(tenant), scopes=["usage"])
    foreign = make_event(make_tenant(slug="third"))
    own = make_event(tenant, trace=[], attempts=(make_attempt(),))
    write(foreign, own)
    path = "/api/v1/requests/req_{}/"
    missing = client.get(path.format(foreign.event_id.hex), headers=_bearer(key.clear))
    assert missing.status_code == 404
    found = _get(client, path.format(own.event_id.hex), key.clear)
    assert found["attempts"][0]["deployment"] == "sim-small"


@pytest.mark.parametrize("role", list(Role))
def test_dashboard__of_every_role__shows_spend_and_offers_the_csv(
    tenant: Tenant, client: Client, role: Role
) -> None:
    member = make_member(tenant, role)
    assert client.login(email=member.email, password=PASSWORD)
    page = client.get("/admin/").content.decode()
    assert "$ 0.0004" in page
    csv = client.get("/admin/usage.csv?group_by=model").content.decode()
    assert csv.startswith("model,requests")


def test_request_page__in_both_languages__tells_the_decision(
    tenant: Tenant, client: Client
) -> None:
    numbers = {"name": "Premium", "scope": "tenant"}
    step = {"layer": "rule", "code": "rule_matched", "subject": "x", "verdict": "matched"}
    event = make_event(tenant, trace=[{**step, "numbers": numbers}])
    write(event)
    member = make_member(tenant, Role.ANALYST)
    assert client.login(email=member.email, password=PASSWORD)
    path = f"/admin/usage/requestlog/{event.event_id}/change/"
    assert "Rule “Premium” matched." in client.get(path).content.decode()
    told = client.get(path, headers={"accept-language": "pt-br"}).content.decode()
    assert "A regra “Premium” foi aplicada." in told


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _get(client: Client, path: str, token: str) -> Any:
    answer = client.get(path, headers=_bearer(token))
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)
