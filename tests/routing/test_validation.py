"""Checks of a draft: each problem is found, named and weighed."""

from typing import Any

import pytest

from apps.core.scoping import all_tenants
from apps.routing import route_manager
from apps.routing.engine.compile import ConditionFault
from apps.routing.models import Rule
from apps.routing.types import Problem
from apps.routing.validation import FAULTS, describe_fault, find_problems
from tests.engine.records import rule_record, tenant_records
from tests.engine.test_compile import FAULTS as FAULTY_TREES
from tests.factories.providers import make_deployment, make_model
from tests.factories.routing import Site, make_alias, make_rule, make_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return make_site()


def problems(**records: Any) -> list[Problem]:
    """Return the problems of a tenant's draft that is otherwise sound."""
    site = make_site()
    with all_tenants("tests"):
        return find_problems(tenant_records(**records), site.tenant_id)


def brief(found: list[Problem]) -> list[tuple[str, str, str]]:
    return [(problem.severity, problem.subject, problem.field) for problem in found]


def test_draft__sound__has_no_problem() -> None:
    rules = [
        rule_record(targets=["small"]),
        rule_record(cache_seconds=1),
        rule_record(max_output_tokens=1),
        rule_record(action="reject", reject_message="No."),
    ]
    assert problems(rules=rules, aliases={"fast": ["large"]}) == []


@pytest.mark.parametrize(
    ("rule", "severity", "field", "word"),
    [
        ({"condition": {"all": [{"field": "mood"}]}}, "error", "conditions", "mood"),
        ({"action": "reject"}, "error", "reject_message", "Tell the caller"),
        ({"targets": []}, "warning", "targets", "changes nothing"),
        ({"prompt_template": "gone"}, "error", "prompt_template", "gone"),
        ({"targets": ["small", "gpt-9"]}, "error", "targets", "gpt-9"),
    ],
)
def test_rule__faulty__is_named_with_the_field(
    rule: dict[str, Any], severity: str, field: str, word: str
) -> None:
    values = {"targets": ["small"], **rule}
    (found,) = problems(rules=[rule_record("mine", **values)])
    assert (found.severity, found.subject, found.field) == (severity, "mine", field)
    assert word in found.message


def test_target__of_an_own_deployment__needs_no_grant() -> None:
    deployments = [{"model": "own"}]
    assert problems(rules=[rule_record(targets=["own"])], deployments=deployments) == []


def test_alias__without_models__is_an_error() -> None:
    assert brief(problems(aliases={"fast": []})) == [("error", "fast", "targets")]


def test_alias__to_a_model_without_grant__is_an_error() -> None:
    assert brief(problems(aliases={"fast": ["gpt-9"]})) == [("error", "fast", "targets")]


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


@pytest.mark.parametrize("code", sorted({code for code, _path, _tree in FAULTY_TREES}))
def test_fault__of_every_code__is_a_sentence_with_its_place(code: str) -> None:
    told = describe_fault(ConditionFault(code, "all.0.value", "this"))
    assert told.startswith("all.0.value: ")
    assert "%" not in told


def test_faults__described__are_those_that_the_engine_knows() -> None:
    assert set(FAULTS) == {code for code, _path, _tree in FAULTY_TREES}
