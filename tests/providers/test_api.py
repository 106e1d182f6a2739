"""The catalogue over the API: secrets go in only, tenants are apart, platform rows stay as is."""

from typing import Any

import pytest
from django.test import Client

from apps.core.scoping import all_tenants
from apps.providers.credentials import open_secret
from apps.providers.models import Credential
from tests.factories.people import make_member, make_tenant
from tests.factories.providers import (
    SECRET,
    make_credential,
    make_deployment,
    make_model,
    make_provider,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.providers.pages_urls")]
API = "/api/v1"


def sent(client: Client, method: str, path: str, **data: Any) -> Any:
    return getattr(client, method)(f"{API}/{path}", data, content_type="application/json")


def test_credentials__owner__writes_a_secret_that_never_comes_back(client: Client) -> None:
    tenant, provider = make_tenant(), make_provider()
    client.force_login(make_member(tenant))
    made = sent(client, "post", "credentials/", name="a", provider=provider.slug, secret=SECRET)
    assert made.status_code == 201, made.content
    assert made.json()["last_four"] == SECRET[-4:]
    listed = client.get(f"{API}/credentials/")
    assert SECRET not in made.content.decode() + listed.content.decode()
    with all_tenants("test"):
        credential = Credential.objects.get()
    assert (credential.tenant_id, open_secret(credential)) == (tenant.pk, SECRET)


def test_credentials__patched__rotate(client: Client) -> None:
    tenant = make_tenant()
    credential = make_credential(tenant=tenant)
    client.force_login(make_member(tenant))
    path = f"credentials/{credential.pk}/"
    assert sent(client, "patch", path, secret="sk-new-secret-4321").status_code == 200
    with all_tenants("test"):
        credential.refresh_from_db()
    assert open_secret(credential) == "sk-new-secret-4321"
    assert credential.rotated_at is not None


@pytest.mark.parametrize("path", ["credentials", "deployments"])
def test_rows__of_another_tenant__are_not_found(client: Client, path: str) -> None:
    other, model = make_tenant(), make_model()
    credential = make_credential(model.provider, tenant=other)
    deployment = make_deployment(model, tenant=other, credential=credential)
    row = credential if path == "credentials" else deployment
    client.force_login(make_member())
    assert client.get(f"{API}/{path}/{row.pk}/").status_code == 404
    assert client.get(f"{API}/{path}/").json()["count"] == 0


def test_deployments__owner__creates_one_with_the_own_credential(client: Client) -> None:
    tenant, model = make_tenant(), make_model()
    credential = make_credential(model.provider, tenant=tenant)
    client.force_login(make_member(tenant))
    data = {"name": "d", "llm_model": model.name, "credential": str(credential.pk)}
    made = sent(client, "post", "deployments/", **data)
    assert made.status_code == 201, made.content
    assert made.json()["is_platform"] is False


def test_deployments__faults__are_named_by_field(client: Client) -> None:
    tenant, model = make_tenant(), make_model()
    client.force_login(make_member(tenant))
    platform = make_credential(model.provider)
    for field, value in (
        ("credential", str(platform.pk)),
        ("credential", str(make_credential(tenant=tenant).pk)),
        ("base_url", "http://169.254.169.254/"),
        ("simulation", {"latency": 1}),
    ):
        data = {"name": "d", "llm_model": model.name, field: value}
        refused = sent(client, "post", "deployments/", **data)
        assert refused.status_code == 400, (field, value)
        assert field in refused.content.decode()


def test_deployments__of_the_platform__are_read_only(client: Client) -> None:
    deployment = make_deployment()
    client.force_login(make_member())
    path = f"deployments/{deployment.pk}/"
    assert client.get(f"{API}/{path}").json()["is_platform"] is True
    assert sent(client, "patch", path, name="mine").status_code == 403


def test_models__are_found_by_name_and_say_what_is_carried(client: Client) -> None:
    provider = make_provider(adapter="palm")
    make_model("text-bison", provider=provider, capabilities={"tools": "yes"})
    client.force_login(make_member())
    found = client.get(f"{API}/models/text-bison/").json()
    assert (found["provider"], found["capabilities"]["tools"]) == (provider.slug, "no")
    assert sent(client, "post", "models/", name="x").status_code in (403, 405)


def test_prices__owner__reads_the_platforms(client: Client) -> None:
    make_model("m", prices=(5, 6))
    client.force_login(make_member())
    (price,) = client.get(f"{API}/prices/").json()["results"]
    assert (price["llm_model"], price["input_price"], price["is_platform"]) == ("m", 5, True)
