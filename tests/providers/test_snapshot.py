"""Records: prices in force, owners apart, secrets sealed, few queries."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from pytest_django import DjangoAssertNumQueries

from apps.core.clock import utc_now
from apps.core.scoping import all_tenants, tenant_scope
from apps.providers.snapshot import (
    catalogue_records,
    connection_of,
    connection_records,
    deployment_records,
    deployments_without_price,
    open_connection,
    open_connections,
    price_overrides,
)
from tests.factories.people import make_tenant
from tests.factories.providers import (
    SECRET,
    make_credential,
    make_deployment,
    make_model,
    make_price,
    make_provider,
)

pytestmark = pytest.mark.django_db


def only(records: list[dict[str, Any]]) -> dict[str, Any]:
    (record,) = records
    return record


def test_deployment_records__unknown_cache_prices__cost_like_input() -> None:
    make_deployment(make_model(prices=(3_000_000, 9_000_000)))
    with all_tenants("test"):
        record = only(deployment_records(None))
    assert (record["input_price"], record["output_price"]) == (3_000_000, 9_000_000)
    assert record["cached_input_price"] == record["cache_write_price"] == 3_000_000


def test_deployment_records__cache_price_of_zero__stays_zero() -> None:
    model = make_model(prices=None)
    make_price(model, (5, 6), cached_input_price=0, cache_write_price=7)
    make_deployment(model)
    with all_tenants("test"):
        record = only(deployment_records(None))
    assert (record["cached_input_price"], record["cache_write_price"]) == (0, 7)


def test_deployment_records__several_dates__the_latest_in_force_holds() -> None:
    model = make_model(prices=(1, 1))
    make_price(model, (2, 2), effective_from=utc_now() - timedelta(days=1))
    make_price(model, (9, 9), effective_from=utc_now() + timedelta(hours=1))
    make_deployment(model)
    with all_tenants("test"):
        assert only(deployment_records(None))["input_price"] == 2


def test_deployment_records__tenants_own_price__wins_even_when_it_is_older() -> None:
    tenant, model = make_tenant(), make_model(prices=None)
    make_price(model, (10, 20), effective_from=utc_now() - timedelta(days=1))
    make_price(model, (1, 2), tenant)
    make_deployment(model, tenant=tenant)
    with tenant_scope(tenant.id):
        assert only(deployment_records(tenant.id))["input_price"] == 1
        assert price_overrides(tenant.id)[model.name]["output_price"] == 2


def test_price_overrides__another_tenants_contract__is_not_seen() -> None:
    tenant, other, model = make_tenant(), make_tenant(), make_model()
    make_price(model, (1, 2), other)
    with tenant_scope(tenant.id):
        assert price_overrides(tenant.id) == {}
    with all_tenants("test"):
        assert price_overrides(tenant.id) == {}


def test_deployment_records__no_price__is_left_out_and_named() -> None:
    deployment = make_deployment(make_model(prices=None))
    with all_tenants("test"):
        assert deployment_records(None) == []
        assert deployments_without_price(None) == [deployment.name]


def test_records__each_owner__holds_its_own_deployments_only() -> None:
    tenant, other, model = make_tenant(), make_tenant(), make_model()
    mine = make_deployment(model, tenant=tenant)
    make_deployment(model, tenant=other)
    shared = make_deployment(model)
    with tenant_scope(tenant.id):
        assert [item["id"] for item in deployment_records(tenant.id)] == [str(mine.id)]
        assert list(connection_records(tenant.id)) == [str(mine.id)]
    with all_tenants("test"):
        assert [item["id"] for item in deployment_records(None)] == [str(shared.id)]


@pytest.mark.parametrize(
    ("switches", "traffic"),
    [
        ({}, "on"),
        ({"deployment": "drain"}, "drain"),
        ({"model": "off"}, "off"),
        ({"provider": "off", "model": "drain"}, "off"),
        ({"provider": "drain", "deployment": "off"}, "off"),
        ({"credential": "off"}, "off"),
    ],
)
def test_deployment_records__of_all_switches__follow_the_worst(
    switches: dict[str, str], traffic: str
) -> None:
    provider = make_provider(traffic=switches.get("provider", "on"))
    credential = make_credential(provider)
    credential.is_enabled = switches.get("credential") != "off"
    with all_tenants("test"):
        credential.save()
    model = make_model(provider=provider, traffic=switches.get("model", "on"))
    make_deployment(
        model,
        credential=credential,
        traffic=switches.get("deployment", "on"),
        data_classes=["personal"],
    )
    with all_tenants("test"):
        record = only(deployment_records(None))
    assert record["traffic"] == traffic
    assert record["credential"] == str(credential.pk)
    assert record["data_classes"] == ["personal"]


@pytest.mark.parametrize(
    ("own", "providers", "traffic"),
    [("on", "on", "on"), ("on", "drain", "drain"), ("off", "drain", "off")],
)
def test_catalogue_records__of_both_switches__follow_the_worse(
    own: str, providers: str, traffic: str
) -> None:
    make_model("switched", traffic=own, provider=make_provider(traffic=providers))
    assert catalogue_records()["switched"]["traffic"] == traffic


def test_connection_records__hold_no_clear_secret_and_open_in_memory() -> None:
    tenant, provider = make_tenant(), make_provider(base_url="https://provider.example/v1")
    credential = make_credential(provider, tenant=tenant)
    deployment = make_deployment(
        make_model(provider=provider), tenant=tenant, credential=credential, upstream_model="other"
    )
    with tenant_scope(tenant.id):
        records = connection_records(tenant.id)
    assert SECRET not in orjson.dumps(records).decode()
    connection = open_connections(records)[str(deployment.id)]
    assert (connection.secret, connection.upstream_model) == (SECRET, "other")
    assert connection.base_url == "https://provider.example/v1"
    assert SECRET not in repr(connection)


def test_open_connections__one_is_broken__the_others_still_open() -> None:
    model = make_model()
    credential = make_credential(model.provider)
    good = make_deployment(model, credential=credential)
    bad = make_deployment(model, credential=make_credential(model.provider))
    with all_tenants("test"):
        records = connection_records(None)
    records[str(bad.id)]["ciphertext"] = records[str(good.id)]["ciphertext"]
    assert list(open_connections(records)) == [str(good.id)]


def test_catalogue_records__wire_that_carries_text_only__says_no_to_the_rest() -> None:
    provider = make_provider(adapter="palm")
    model = make_model(provider=provider, capabilities={"tools": "yes", "streaming": "yes"})
    record = catalogue_records()[model.name]
    assert record["capabilities"]["tools"] == "no"
    assert record["capabilities"]["streaming"] == "yes"
    assert record["provider"] == provider.slug


def test_records__more_rows__take_no_more_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(5):
        model = make_model()
        make_deployment(model, credential=make_credential(model.provider))
    with all_tenants("test"):
        with django_assert_num_queries(2):
            deployment_records(None)
        with django_assert_num_queries(1):
            connection_records(None)
        with django_assert_num_queries(1):
            catalogue_records()


def test_connection__kind_of_server__comes_from_the_provider() -> None:
    provider = make_provider(adapter="openai", server_kind="mistral")
    deployment = make_deployment(make_model(provider=provider))
    with all_tenants("tests"):
        (record,) = connection_records(None).values()
    assert open_connection(record).server_kind == "mistral"
    assert connection_of(deployment).server_kind == "mistral"


def test_connection__of_an_older_release__has_no_kind_of_server() -> None:
    make_deployment()
    with all_tenants("tests"):
        (record,) = connection_records(None).values()
    del record["server_kind"]
    assert open_connection(record).server_kind == ""
