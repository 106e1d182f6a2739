"""The catalogue that ships: complete, loaded once, never over what people edited."""

import json

import pytest

from apps.audit.models import AuditEntry
from apps.core.errors import InvalidRequest
from apps.core.scoping import all_tenants
from apps.providers.adapters.registry import WIRES
from apps.providers.catalogue.loading import SEED, Loaded, load_catalogue
from apps.providers.credentials import open_secret
from apps.providers.enums import Capability, Lifecycle, Support
from apps.providers.models import Credential, Deployment, LlmModel, Price, Provider
from apps.providers.services import connect_provider_keys_from_environment
from apps.providers.snapshot import deployment_records

pytestmark = pytest.mark.django_db


def rows() -> tuple[int, ...]:
    tables = (Provider, LlmModel, Price, Deployment, Credential, AuditEntry)
    return tuple(table.objects.count() for table in tables)


def test_load_catalogue__empty_tables__gives_priced_models_and_a_simulation_that_answers() -> None:
    with all_tenants("test"):
        load_catalogue()
        simulated = {item["model"] for item in deployment_records(None)}
        unpriced = LlmModel.objects.filter(prices=None).values_list("name", flat=True)
        assert set(unpriced) == {"text-bison-001", "chat-bison-001"}
    assert simulated == {"sim-small", "sim-large", "sim-long", "sim-embed"}


def test_load_catalogue__twice__adds_nothing() -> None:
    with all_tenants("test"):
        load_catalogue()
        before = rows()
        again = load_catalogue()
        assert rows() == before
    assert again == Loaded()


def test_load_catalogue__edited_rows__stay_edited() -> None:
    with all_tenants("test"):
        load_catalogue()
        Price.objects.filter(llm_model__name="gpt-5").update(input_price=1)
        LlmModel.objects.filter(name="gpt-5").update(context_window=7)
        Deployment.objects.get(name="sim-long").delete()
        load_catalogue()
        assert Price.objects.get(llm_model__name="gpt-5").input_price == 1
        assert LlmModel.objects.get(name="gpt-5").context_window == 7
        assert not Deployment.objects.filter(name="sim-long").exists()


def test_load_catalogue__every_model__is_complete() -> None:
    with all_tenants("test"):
        load_catalogue()
        for model in LlmModel.objects.all():
            assert model.context_window > model.max_output_tokens > 0
            assert set(model.capabilities) <= set(Capability.values)
            assert set(model.capabilities.values()) <= set(Support.values)
            is_retired = model.lifecycle == Lifecycle.RETIRED
            assert is_retired == (model.successor is not None)


def test_connect_provider_keys__key_given__deploys_the_active_models() -> None:
    with all_tenants("test"):
        load_catalogue()
        changed = connect_provider_keys_from_environment({"ANTHROPIC_API_KEY": " sk-ant-12345678 "})
        credential = Credential.objects.get()
        assert changed == ["anthropic"]
        assert (credential.tenant_id, open_secret(credential)) == (None, "sk-ant-12345678")
        assert (
            credential.deployments.count()
            == LlmModel.objects.filter(
                provider__slug="anthropic", lifecycle=Lifecycle.ACTIVE
            ).count()
        )


def test_connect_provider_keys__again__changes_nothing() -> None:
    environ = {"OPENAI_API_KEY": "sk-openai-12345678"}
    with all_tenants("test"):
        load_catalogue()
        connect_provider_keys_from_environment(environ)
        before = rows()
        assert connect_provider_keys_from_environment(environ) == []
        assert rows() == before


def test_connect_provider_keys__another_key__rotates_and_audits() -> None:
    with all_tenants("test"):
        load_catalogue()
        connect_provider_keys_from_environment({"OPENAI_API_KEY": "sk-openai-12345678"})
        connect_provider_keys_from_environment({"OPENAI_API_KEY": "sk-openai-87654321"})
        assert open_secret(Credential.objects.get()) == "sk-openai-87654321"
        assert AuditEntry.objects.filter(action="providers.credential_rotated").count() == 1


@pytest.mark.parametrize("name", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
def test_connect_provider_keys__google__has_two_spellings(name: str) -> None:
    with all_tenants("test"):
        load_catalogue()
        assert connect_provider_keys_from_environment({name: "AIza-123456789"}) == ["google"]
        retired = Deployment.objects.filter(llm_model__lifecycle=Lifecycle.RETIRED)
        assert not retired.exists()


def test_connect_provider_keys__file__is_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("secrets") / "key"
    path.write_text("sk-from-a-file-1234\n")
    with all_tenants("test"):
        load_catalogue()
        connect_provider_keys_from_environment({"OPENAI_API_KEY_FILE": str(path)})
        assert open_secret(Credential.objects.get()) == "sk-from-a-file-1234"


def test_connect_provider_keys__file_is_missing__names_the_variable() -> None:
    with all_tenants("test"), pytest.raises(InvalidRequest) as caught:
        connect_provider_keys_from_environment({"OPENAI_API_KEY_FILE": "/nowhere/at/all"})
    assert caught.value.param == "OPENAI_API_KEY_FILE"


def test_connect_provider_keys__nothing_given__does_nothing() -> None:
    with all_tenants("test"):
        assert connect_provider_keys_from_environment({}) == []


def test_seed__every_model__says_of_each_capability_whether_it_has_it() -> None:
    for item in json.loads(SEED.read_text())["models"]:
        capabilities = item["capabilities"]
        assert set(capabilities) == set(Capability.values), item["name"]
        assert set(capabilities.values()) <= set(Support.values), item["name"]
        # A streamed request goes past a model of which this is not known.
        assert "unknown" not in (capabilities["streaming"], capabilities["tools"]), item["name"]


def test_seed__every_model__streams_over_its_wire_or_makes_vectors() -> None:
    assert all("streaming" in carried for carried in (wire.carried for wire in WIRES.values()))
    for item in json.loads(SEED.read_text())["models"]:
        can = item["capabilities"]
        assert (can["streaming"] == "yes") is not (can["embeddings"] == "yes"), item["name"]


def test_seed__palm__is_retired_with_a_successor_and_has_its_own_wire() -> None:
    seed = json.loads(SEED.read_text())
    models = {item["name"]: item for item in seed["models"]}
    wires = {item["slug"]: item["adapter"] for item in seed["providers"]}
    for name in ("text-bison-001", "chat-bison-001"):
        assert wires[models[name]["provider"]] == "palm"
        assert models[name]["lifecycle"] == "retired"
        assert models[models[name]["successor"]]["lifecycle"] == "active"
