"""What a publish would change, and how conditions are told."""

from typing import Any

import pytest
from django.utils.translation import override

from apps.routing.differences import Difference, find_differences
from apps.routing.wording import describe_condition
from tests.engine.records import (
    deployment_record,
    model_record,
    platform_records,
    rule_record,
    tenant_records,
)
from tests.factories.routing import clause


def brief(live: dict[str, Any], draft: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(item.verb, item.kind, item.name) for item in find_differences(live, draft)]


def test_nothing_live__everything_is_added() -> None:
    draft = tenant_records(
        rules=[rule_record("VIP")], aliases={"fast": ["small"]}, granted=["small"]
    )
    assert brief({}, draft) == [
        ("added", "Rule", "VIP"),
        ("added", "Model alias", "fast"),
        ("added", "Model grant", "small"),
    ]


@pytest.mark.parametrize("records", [tenant_records(), platform_records()])
def test_same_records__are_no_difference(records: dict[str, Any]) -> None:
    assert find_differences(records, records) == []


@pytest.mark.parametrize(
    ("field", "before", "after", "expected"),
    [
        ("aliases", {"a": ["x"]}, {"a": ["y"]}, [("changed", "Model alias", "a")]),
        ("aliases", {"a": ["x"]}, {}, [("removed", "Model alias", "a")]),
        ("granted", ["small"], ["large"], [
            ("added", "Model grant", "large"),
            ("removed", "Model grant", "small"),
        ]),
        ("prices", {}, {"small": {"input_price": 1}}, [("added", "Price", "small")]),
        ("prompts", {"t": {"version": 1}}, {"t": {"version": 2}}, [
            ("changed", "Prompt template", "t"),
        ]),
        ("deployments", [deployment_record("d", connection="a")], [
            deployment_record("d", connection="b"),
        ], [("changed", "Deployment", "d")]),
    ],
)  # fmt: skip
def test_records__that_differ__are_named(
    field: str, before: Any, after: Any, expected: list[tuple[str, str, str]]
) -> None:
    live, draft = tenant_records(**{field: before}), tenant_records(**{field: after})
    assert brief(live, draft) == expected


def test_platform__model_that_differs__is_named() -> None:
    live = platform_records()
    draft = platform_records(models={**live["models"], "small": model_record(lifecycle="retired")})
    assert brief(live, draft) == [("changed", "LLM model", "small")]


def test_rule__changed__tells_the_fields_in_words() -> None:
    before = rule_record("VIP", targets=["small"], max_output_tokens=None)
    condition = {"all": [clause("tag", "has", ["vip", "gold"])]}
    after = {**before, "targets": ["large", "small"], "condition": condition}
    (difference,) = find_differences(tenant_records(rules=[before]), tenant_records(rules=[after]))
    assert difference == Difference(
        "changed",
        "Rule",
        "VIP",
        "condition: every request → tag must have vip or gold, targets: small → large, small",
    )


def test_rule__removed__is_named() -> None:
    live = tenant_records(rules=[rule_record("VIP"), rule_record("other")])
    draft = tenant_records(rules=[rule_record("other")])
    assert brief(live, draft) == [("removed", "Rule", "VIP")]


def test_rules__in_another_order__are_told_with_the_new_order() -> None:
    rules = [rule_record("a"), rule_record("b")]
    live, draft = tenant_records(rules=rules), tenant_records(rules=rules[::-1])
    (difference,) = find_differences(live, draft)
    assert (difference.verb, difference.detail) == ("moved", "b → a")


def test_rules__one_added_in_front__are_not_moved() -> None:
    live = tenant_records(rules=[rule_record("a")])
    draft = tenant_records(rules=[rule_record("new"), rule_record("a")])
    assert brief(live, draft) == [("added", "Rule", "new")]


def test_rule__whose_condition_does_not_compile__is_still_told() -> None:
    broken = rule_record("odd", condition={"all": [{"field": "mood"}]})
    live = tenant_records(rules=[rule_record("odd")])
    (difference,) = find_differences(live, tenant_records(rules=[broken]))
    assert "mood" in difference.detail


# --- conditions in words -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({}, "every request"),
        ({"all": []}, "every request"),
        ({"any": []}, "no request"),
        ({"none": []}, "every request"),
        (
            {"all": [clause("requested_model", "is", ["a", "b"]), clause("tag", "has", "vip")]},
            "requested model must be a or b and tag must have vip",
        ),
        (
            {"any": [clause("needs", "has_all", ["tools", "vision"]), clause("door", "is", "x")]},
            "needed capability must have all of Tools and Images or entrance must be x",
        ),
        (
            {"all": [clause("prompt_tokens", "between", [5, 9])]},
            "prompt tokens must be between 5 and 9",
        ),
        (
            {"none": [clause("tag", "has", "a"), clause("tag", "has", "b")]},
            "none of: tag must have a; tag must have b",
        ),
        (
            {"all": [clause("tag", "has", "a"), {"any": [clause("tag", "has", "b")]}]},
            "tag must have a and (tag must have b)",
        ),
    ],
)
def test_condition__in_words__is_a_sentence(tree: dict[str, Any], told: str) -> None:
    with override("en"):
        assert describe_condition(tree) == told


def test_condition__in_portuguese__uses_its_words() -> None:
    with override("pt-br"):
        told = describe_condition({"all": [clause("tag", "has", "vip")]})
    assert told == "etiqueta deve ter vip"


@pytest.mark.parametrize("tree", [{"some": []}, [], {"all": ["x"]}, {"all": [{"field": "x"}]}])
def test_condition__that_does_not_compile__is_shown_as_it_is(tree: Any) -> None:
    assert describe_condition(tree) in {str(tree).replace("'", '"')}
