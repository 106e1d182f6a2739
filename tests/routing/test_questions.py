"""What the rules of a snapshot ask of a request, found once."""

from typing import Any

import pytest

from apps.routing.engine.hashing import pattern_id
from apps.routing.headers import SECRET_HEADERS
from apps.routing.questions import Questions, questions_of
from apps.routing.snapshot_store import Pinned
from tests.engine.records import make_snapshot, rule_record


def asked_by(*conditions: dict[str, Any], **rule: Any) -> Questions:
    rules = [
        rule_record(f"r{number}", condition={"all": [condition]}, **rule)
        for number, condition in enumerate(conditions)
    ]
    return questions_of(make_snapshot(rules=rules))


def test_rules__that_read_nothing__ask_nothing() -> None:
    asked = questions_of(make_snapshot(rules=[rule_record()]))
    assert asked == Questions(frozenset(), frozenset(), None, False)


def test_rules__that_read_fields__ask_for_these_only() -> None:
    asked = asked_by(
        {"field": "weekday", "operator": "is", "value": "mon"},
        {"field": "metadata.plan", "operator": "is", "value": "gold"},
    )
    assert asked.asks(["language", "weekday"])
    assert not asked.asks(["language", "time_of_day"])
    assert asked.search is None


def test_headers__that_rules_read__are_asked_for_without_case() -> None:
    asked = asked_by(
        {"field": "header.X-Team", "operator": "is", "value": "blue"},
        {"field": "header.x-app", "operator": "is", "value": "web"},
    )
    assert asked.headers == {"x-team", "x-app"}


@pytest.mark.parametrize("name", sorted(SECRET_HEADERS))
def test_headers__that_prove_who_calls__are_never_asked_for(name: str) -> None:
    condition = {"field": f"header.{name.title()}", "operator": "is", "value": "x"}
    assert asked_by(condition).headers == frozenset()


def test_texts__that_rules_look_for__are_compiled() -> None:
    asked = asked_by({"field": "message_text", "operator": "contains", "value": ["Refund", "x"]})
    assert asked.search is not None
    found = asked.search.look("a refund")
    assert found == {pattern_id("contains", "refund"): True, pattern_id("contains", "x"): False}


@pytest.mark.parametrize(
    ("affinity", "is_needed"), [("", False), ("prefix", True), ("conversation", True)]
)
def test_prefix__is_needed_by_sticky_rules_only(affinity: str, is_needed: bool) -> None:
    rule = rule_record(targets=["small"], affinity=affinity)
    assert questions_of(make_snapshot(rules=[rule])).needs_prefix is is_needed


def test_pinned_snapshot__asked_twice__answers_with_the_same_questions() -> None:
    pinned = Pinned(make_snapshot(), {}, {})
    assert pinned.questions is pinned.questions
