"""Checks of a draft: each problem is found, named and weighed."""

import inspect
import re
from typing import Any

import pytest

from apps.core.scoping import all_tenants
from apps.providers.models import Deployment, LlmModel, Provider
from apps.routing import route_manager
from apps.routing.draft_checks.conditions import FAULTS, describe_fault
from apps.routing.engine import compile_conditions
from apps.routing.engine.compile_conditions import ConditionFault
from apps.routing.models import Rule
from apps.routing.snapshot import build_records
from apps.routing.types import Problem
from apps.routing.validation import field_label, find_problems
from tests.engine.records import rule_record
from tests.factories.providers import make_deployment, make_model
from tests.factories.routing import (
    Site,
    clause,
    make_alias,
    make_calendar,
    make_grant,
    make_rule,
    make_site,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return make_site()


def problems(**records: Any) -> list[Problem]:
    """Return the problems of a tenant's draft that is otherwise sound."""
    site = make_site()
    with all_tenants("tests"):
        return find_problems({**build_records(site.tenant_id), **records}, site.tenant_id)


def brief(found: list[Problem]) -> list[tuple[str, str, str]]:
    return [(problem.severity, problem.subject, problem.field) for problem in found]


def whole(id_: str = "mine", **fields: Any) -> dict[str, Any]:
    """Return a rule as an earlier release wrote it, to a model that the tenant may use."""
    return rule_record(id_, **{"targets": ["sim-small"], **fields})


def test_draft__sound__has_no_problem() -> None:
    rules = [
        whole("a", condition={"all": [clause("tag", "has", "x")]}, add_tags=["y"]),
        whole("b", condition={"all": [clause("header.x-team", "is", "x")]}, cache_seconds=1),
        whole("c", condition={"all": [clause("message_text", "matches", "a+")]}),
        whole("d", action="continue", targets=[], max_output_tokens=1),
        whole("e", action="reject", reject_message="No.", targets=[]),
    ]
    assert problems(rules=rules, aliases={"fast": ["sim-large"]}) == []


@pytest.mark.parametrize(
    "effect",
    [
        {"prompt_template": ""},
        {"max_output_tokens": 1},
        {"cache_seconds": 1},
        {"parameters": {"temperature": 0}},
        {"add_tags": ["x"]},
        {"price_cap": 1},
        {"latency_cap_ms": 1},
        {"allow_unknown": True},
        {"first_token_timeout_ms": 1},
        {"total_timeout_ms": 1},
        {"max_attempts": 1},
        {"on_content_filter": "next"},
        {"on_unsupported": "refuse"},
    ],
)
def test_rule__without_any_effect__is_a_warning(effect: dict[str, Any]) -> None:
    found = brief(problems(rules=[whole(targets=[], **effect)]))
    changes_nothing = not any(effect.values())
    assert found == ([("warning", "mine", "targets")] if changes_nothing else [])


def test_rule__behind_one_that_always_applies__is_a_warning() -> None:
    rules = [
        whole("narrow", condition={"all": [clause("tag", "has", "x")]}),
        whole("settings", action="continue", targets=[], cache_seconds=5),
        whole("later", active_from_ms=5),
        whole("wall", condition={"all": []}),
        whole("hidden"),
        whole("default", is_default=True),
        whole("of a project", scope="project", project="support"),
    ]
    (found,) = problems(rules=rules)
    assert (found.severity, found.subject, found.field) == ("warning", "hidden", "conditions")
    assert "“wall”" in found.message


def test_defaults__one_for_each_scope__are_sound() -> None:
    rules = [
        whole("tenant's", is_default=True),
        whole("project's", is_default=True, scope="project", project="support"),
        whole("key's", is_default=True, scope="key", key="k"),
    ]
    assert problems(rules=rules) == []


@pytest.mark.parametrize("switch", ["provider", "model", "deployment"])
@pytest.mark.parametrize("traffic", ["drain", "off"])
def test_target__switched_off__is_a_warning(site: Site, switch: str, traffic: str) -> None:
    make_rule(site.tenant, name="mine", targets=["sim-small"])
    rows = {
        "provider": Provider.objects.filter(slug="simulated"),
        "model": LlmModel.objects.filter(name="sim-small"),
    }
    with all_tenants("tests"):
        rows["deployment"] = Deployment.objects.filter(name="sim-small")
        assert rows[switch].update(traffic=traffic) == 1
        found = route_manager.validate(site.tenant_id)
    assert brief(found) == [("warning", "mine", "targets")]
    assert "“sim-small” is switched off" in found[0].message


def test_target__granted_but_deployed_nowhere__is_an_error(site: Site) -> None:
    make_grant(site.tenant, "gpt-5")
    make_rule(site.tenant, name="mine", targets=["gpt-5"])
    with all_tenants("tests"):
        (found,) = route_manager.validate(site.tenant_id)
    assert (found.severity, found.field) == ("error", "targets")
    assert "no deployment of “gpt-5”" in found.message


def test_target__of_an_own_deployment__needs_no_grant(site: Site) -> None:
    make_deployment(make_model("own"), tenant=site.tenant, region="br", data_classes=["personal"])
    make_rule(site.tenant, targets=["own"], regions=["br"], data_class="personal")
    with all_tenants("tests"):
        assert route_manager.validate(site.tenant_id) == []


def test_calendar__of_tenant_or_platform__can_be_named(site: Site) -> None:
    make_calendar(site.tenant, "ours", extra_dates=["2026-12-24"])
    make_calendar(None, "brazil", country="BR")
    make_rule(site.tenant, conditions={"all": [clause("holiday", "is_in", ["ours", "brazil"])]})
    with all_tenants("tests"):
        assert route_manager.validate(site.tenant_id) == []


def test_label__of_a_field__is_the_one_on_the_page() -> None:
    labels = [field_label(name) for name in ("max_attempts", "targets", "conditions.x", "odd")]
    assert labels == ["most attempts", "targets", "conditions", "odd"]


def test_prompt__that_does_not_compile__is_an_error() -> None:
    broken = {"version": 1, "messages": [{"role": "system", "text": "{{ x"}], "variables": []}
    ((severity, subject, _field),) = brief(problems(prompts={"tone": broken}))
    assert (severity, subject) == ("error", "tone")


def test_deployment__without_a_price__is_a_warning(site: Site) -> None:
    make_deployment(make_model(prices=None), tenant=site.tenant, name="free-for-all")
    with all_tenants("tests"):
        found = route_manager.validate(site.tenant_id)
    assert brief(found) == [("warning", "free-for-all", "prices")]


def test_platform__rule_with_any_catalogue_model__is_sound(site: Site) -> None:
    make_rule(None, targets=["gpt-5"])
    with all_tenants("tests"):
        assert route_manager.validate(None) == []


def test_validate__of_the_tables__reads_what_a_publish_would(site: Site) -> None:
    make_rule(site.tenant, name="lost", targets=["gpt-5"])
    make_alias(site.tenant, "empty", [])
    with all_tenants("tests"):
        Rule.objects.filter(name="lost").update(conditions={"some": []})
        found = route_manager.validate(site.tenant_id)
    assert sorted(brief(found)) == [
        ("error", "empty", "targets"),
        ("error", "lost", "conditions"),
        ("error", "lost", "targets"),
    ]


@pytest.mark.parametrize("code", sorted(FAULTS))
def test_fault__of_every_code__is_a_sentence_with_its_place(code: str) -> None:
    told = describe_fault(ConditionFault(code, "all.0.value", "this"))
    assert told.startswith("all.0.value: ")
    assert "%" not in told


def test_faults__of_the_engine__are_all_described() -> None:
    source = inspect.getsource(compile_conditions)
    assert set(re.findall(r'ConditionFault\(\s*"(\w+)"', source)) <= set(FAULTS)
