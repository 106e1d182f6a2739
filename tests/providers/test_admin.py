"""The catalogue in the admin: secrets go in only, prices are dollars, platform rows are staff's."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.enums import Role
from apps.audit.models import AuditEntry
from apps.core.scoping import all_tenants
from apps.providers.credentials import open_secret
from apps.providers.models import Credential, Deployment, LlmModel, Price, Provider
from apps.providers.wire_servers.threaded import running_wire_server
from tests.factories.people import make_member, make_tenant, make_user
from tests.factories.providers import (
    SECRET,
    make_credential,
    make_deployment,
    make_model,
    make_price,
    make_provider,
)
from tests.providers.upstream import running_upstream
from tests.providers.wires import Script

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.providers.pages_urls")]
BASE = "/admin/providers"
LISTS = ("provider", "llmmodel", "price", "credential", "deployment")


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_user(is_superuser=True))
    return client


def only[Row: Any](table: type[Row]) -> Row:
    with all_tenants("test"):
        row: Row = table.objects.get()
    return row


def prices_form(**values: Any) -> dict[str, Any]:
    return {
        "prices-TOTAL_FORMS": "0",
        "prices-INITIAL_FORMS": "0",
        "prices-MIN_NUM_FORMS": "0",
        "prices-MAX_NUM_FORMS": "1000",
        **values,
    }


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("page", ["", "add/", "?q=model"])
def test_pages__platform_staff__open(staff: Client, name: str, page: str) -> None:
    model = make_model()
    make_deployment(model, credential=make_credential(model.provider))
    assert staff.get(f"{BASE}/{name}/{page}").status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_pages__owner__open_with_the_platforms_rows(client: Client, name: str) -> None:
    tenant, model = make_tenant(), make_model()
    make_deployment(model, tenant=tenant, credential=make_credential(model.provider, tenant=tenant))
    client.force_login(make_member(tenant))
    assert client.get(f"{BASE}/{name}/").status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_pages__more_rows__take_no_more_queries(
    staff: Client, name: str, django_assert_max_num_queries: Any
) -> None:
    for _ in range(8):
        model = make_model()
        make_deployment(model, credential=make_credential(model.provider))
    with django_assert_max_num_queries(24):
        staff.get(f"{BASE}/{name}/")


def test_credential__added__is_sealed_and_not_shown(client: Client) -> None:
    tenant, provider = make_tenant(), make_provider()
    client.force_login(make_member(tenant))
    data = {"name": "main", "provider": provider.pk, "secret": SECRET, "is_enabled": "on"}
    assert client.post(f"{BASE}/credential/add/", data).status_code == 302
    credential = only(Credential)
    assert (credential.tenant_id, open_secret(credential)) == (tenant.pk, SECRET)
    page = client.get(f"{BASE}/credential/{credential.pk}/change/").content.decode()
    assert SECRET not in page
    assert credential.ciphertext not in page
    assert SECRET[-4:] in page


def test_credential__added_without_secret__is_a_message(client: Client) -> None:
    client.force_login(make_member())
    data = {"name": "main", "provider": make_provider().pk, "secret": ""}
    assert client.post(f"{BASE}/credential/add/", data).status_code == 200
    with all_tenants("test"):
        assert not Credential.objects.exists()


@pytest.mark.parametrize(("given", "expected"), [("", SECRET), ("sk-new-secret-4321", None)])
def test_credential__changed__keeps_or_rotates_the_secret(
    client: Client, given: str, expected: str | None
) -> None:
    tenant = make_tenant()
    credential = make_credential(tenant=tenant)
    client.force_login(make_member(tenant))
    data = {"name": "renamed", "secret": given, "is_enabled": "on"}
    path = f"{BASE}/credential/{credential.pk}/change/"
    assert client.post(path, data).status_code == 302
    stored = only(Credential)
    assert (stored.name, open_secret(stored)) == ("renamed", expected or given)
    assert (stored.rotated_at is not None) == bool(given)
    with all_tenants("test"):
        assert SECRET not in str(list(AuditEntry.objects.values_list("changes", flat=True)))


def test_credential__of_another_tenant__is_not_found(client: Client) -> None:
    credential = make_credential(tenant=make_tenant())
    client.force_login(make_member())
    assert client.get(f"{BASE}/credential/{credential.pk}/change/").status_code == 302


@pytest.mark.parametrize("name", ["credential", "deployment"])
def test_platform_rows__owner__cannot_change_them(client: Client, name: str) -> None:
    model = make_model()
    credential = make_credential(model.provider)
    row = credential if name == "credential" else make_deployment(model, credential=credential)
    client.force_login(make_member())
    path = f"{BASE}/{name}/{row.pk}/change/"
    assert client.post(path, {"name": "mine"}).status_code == 403


def test_price__typed_in_dollars__is_stored_in_micro_dollars(staff: Client) -> None:
    model = make_model(prices=None)
    data = {
        "llm_model": model.pk,
        "effective_from_0": "2026-01-01",
        "effective_from_1": "00:00",
        "input_price": "0.15",
        "output_price": "2.5",
        "cached_input_price": "",
        "cache_write_price": "0",
    }
    response = staff.post(f"{BASE}/price/add/", data)
    assert response.status_code == 302, response.content.decode()[:3_000]
    price = only(Price)
    assert (price.input_price, price.output_price) == (150_000, 2_500_000)
    assert (price.cached_input_price, price.cache_write_price) == (None, 0)
    assert "0.15" in staff.get(f"{BASE}/price/{price.pk}/change/").content.decode()


def test_price__of_the_platform__is_shown_to_an_owner_in_dollars(client: Client) -> None:
    model = make_model(prices=(123_450_000, 1))
    price = only(Price)
    client.force_login(make_member())
    for path in (f"price/{price.pk}", f"llmmodel/{model.pk}"):
        page = client.get(f"{BASE}/{path}/change/").content.decode()
        assert "123.45" in page
        assert "123450000" not in page


def test_model__inline__holds_the_platforms_prices_only(staff: Client) -> None:
    model = make_model(prices=(123_450_000, 1))
    make_price(model, (987_650_000, 1), make_tenant())
    page = staff.get(f"{BASE}/llmmodel/{model.pk}/change/").content.decode()
    assert "123.45" in page
    assert "987.65" not in page


@pytest.mark.parametrize(
    ("capabilities", "is_saved"),
    [('{"tools": "yes"}', True), ('{"flying": "yes"}', False), ('{"tools": 1}', False)],
)
def test_model__capabilities__are_checked(staff: Client, capabilities: str, is_saved: bool) -> None:
    data = prices_form(
        name="m",
        provider=make_provider().pk,
        lifecycle="active",
        context_window="10",
        max_output_tokens="5",
        capabilities=capabilities,
    )
    staff.post(f"{BASE}/llmmodel/add/", data)
    assert LlmModel.objects.exists() == is_saved


@pytest.mark.parametrize("base_url", ["http://169.254.169.254/v1", "http://user:pw@host.example/"])
def test_provider__address_against_the_policy__is_a_message(staff: Client, base_url: str) -> None:
    data = {"name": "X", "slug": "x", "adapter": "openai", "base_url": base_url}
    assert staff.post(f"{BASE}/provider/add/", data).status_code == 200
    assert not Provider.objects.exists()


def test_deployment__credential_of_another_provider__is_a_message(client: Client) -> None:
    tenant = make_tenant()
    credential = make_credential(tenant=tenant)
    client.force_login(make_member(tenant))
    data = {"name": "d", "llm_model": make_model().pk, "credential": credential.pk}
    assert client.post(f"{BASE}/deployment/add/", data).status_code == 200
    with all_tenants("test"):
        assert not Deployment.objects.exists()


def test_deployment__added_without_simulation__is_saved(client: Client) -> None:
    tenant, model = make_tenant(), make_model()
    client.force_login(make_member(tenant))
    data = {"name": "d", "llm_model": model.pk, "simulation": ""}
    response = client.post(f"{BASE}/deployment/add/", data)
    assert response.status_code == 302, response.content.decode()[:3_000]
    assert (only(Deployment).tenant_id, only(Deployment).simulation) == (tenant.pk, {})


def test_connection__tested__tells_the_outcome_of_each(staff: Client) -> None:
    provider = make_provider(adapter="openai")
    model = make_model(provider=provider)
    simulated = make_deployment(name="simulated-one")
    with running_upstream() as upstream:
        upstream.script = Script(status=401, message="wrong key")
        refused = make_deployment(
            model,
            name="refused-one",
            base_url=f"{upstream.url}/v1",
            credential=make_credential(provider),
        )
        data = {"action": "test_connection", "_selected_action": [simulated.pk, refused.pk]}
        page = staff.post(f"{BASE}/deployment/", data, follow=True).content.decode()
        assert upstream.received[0].headers["authorization"] == f"Bearer {SECRET}"
    assert "simulated-one answered in" in page
    assert "refused-one failed: wrong key" in page
    with all_tenants("test"):
        assert AuditEntry.objects.filter(action="providers.deployment_tested").count() == 2


def test_connection__analyst__cannot_test(client: Client) -> None:
    tenant = make_tenant()
    row = make_deployment(tenant=tenant)
    client.force_login(make_member(tenant, Role.ANALYST))
    data = {"action": "test_connection", "_selected_action": [row.pk]}
    page = client.post(f"{BASE}/deployment/", data, follow=True).content.decode()
    assert "answered in" not in page


@pytest.mark.parametrize(
    ("adapter", "known", "new"),
    [
        ("openai", "gpt-5-mini", "vendor/model-with-slash"),
        ("anthropic", "claude-sonnet-4-5", "claude-opus-4-1"),
        ("google", "gemini-3-flash", "gemini-embedding-001"),
    ],
)
def test_credential__asked_for_its_models__tells_deployed_known_and_new_ones(
    staff: Client, adapter: str, known: str, new: str
) -> None:
    with running_wire_server(secret=SECRET) as server:
        provider = make_provider(adapter=adapter, base_url=server.url_of(adapter))
        credential = make_credential(provider)
        make_deployment(make_model(provider=provider, name=known), credential=credential)
        data = {"action": "list_models", "_selected_action": [credential.pk]}
        page = staff.post(f"{BASE}/credential/", data, follow=True).content.decode()
    assert f"Deployed with it: {known}." in page
    assert "In the catalogue, not deployed: none." in page
    assert new in page.partition("Not in the catalogue: ")[2]
    assert SECRET not in page
    with all_tenants("test"):
        assert AuditEntry.objects.filter(action="providers.credential_models_listed").exists()


@pytest.mark.parametrize("adapter", ["openai", "anthropic", "google"])
def test_credential__refused_by_its_provider__tells_why(staff: Client, adapter: str) -> None:
    with running_wire_server(secret="another-key-1234567890") as server:
        provider = make_provider(adapter=adapter, base_url=server.url_of(adapter))
        credential = make_credential(provider)
        data = {"action": "list_models", "_selected_action": [credential.pk]}
        page = staff.post(f"{BASE}/credential/", data, follow=True).content.decode()
    assert f"{credential.name}" in page
    assert " failed: " in page
    assert SECRET not in page


def test_provider__kind_of_server__is_chosen_from_the_known_ones(staff: Client) -> None:
    data = {"name": "X", "slug": "x", "adapter": "openai", "server_kind": "mistral"}
    assert staff.post(f"{BASE}/provider/add/", data).status_code == 302
    assert only(Provider).server_kind == "mistral"
    wrong = {**data, "slug": "y", "name": "Y", "server_kind": "of-tomorrow"}
    assert staff.post(f"{BASE}/provider/add/", wrong).status_code == 200
