"""First match over columns, where it takes rows apart: chunks, few rows, rules that go on."""

from collections import Counter

import pytest

from apps.routing.backtest import matching
from apps.routing.backtest.facts import columns_of_facts
from apps.routing.backtest.matching import NO_RULE, Matches, match
from apps.routing.engine.types import RequestFacts
from tests.engine.records import NOW, Records, make_facts, make_snapshot, rule_record


def matches(facts: list[RequestFacts], *rules: Records) -> Matches:
    return match(columns_of_facts(facts), make_snapshot(rules=list(rules)), {})


def when(field: str, value: object, operator: str = "is") -> Records:
    return {"all": [{"field": field, "operator": operator, "value": value}]}


TAGGING = rule_record(
    "tagging", condition=when("door", "chat"), action="continue", add_tags=["new"]
)
TAGGED = rule_record("tagged", condition=when("tag", "new", "has"))


def test_tags__of_rules_that_go_on__are_seen_after_most_rows_are_decided() -> None:
    facts = [make_facts(project=name) for name in ("a", "a", "a", "b")]
    facts.append(make_facts(project="b", door="messages"))
    found = matches(facts, TAGGING, rule_record("most", condition=when("project", "a")), TAGGED)
    assert found.rules.tolist() == [1, 1, 1, 2, NO_RULE]
    assert [found.applied_sets[code] for code in found.applied] == [(0,)] * 4 + [()]


def test_tags__of_rules_that_go_on__are_seen_by_a_rule_for_few_rows() -> None:
    facts = [make_facts(project=name) for name in ("a", "a", "a", "a", "b")]
    found = matches(facts, {**TAGGED, "id": "early"}, TAGGING, {**TAGGED, "project": "b"})
    assert found.rules.tolist() == [NO_RULE] * 4 + [2]


def test_tags__that_a_request_brings__are_kept_beside_the_added_ones() -> None:
    facts = [make_facts(tags=("old", "new")), make_facts(tags=("old",)), make_facts()]
    both = rule_record("both", condition=when("tag", ["old", "new"], "has_all"))
    assert matches(facts, TAGGING, both).rules.tolist() == [1, 1, NO_RULE]


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_rows__of_any_number_of_chunks__are_decided_alike(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "CHUNK", chunk)
    facts = [make_facts(project=name, language=name) for name in ("a", "b", "", "a", "c", "")]
    rule = rule_record("b", condition=when("language", "b"))
    found = matches(facts, TAGGING, {**TAGGED, "project": "a"}, rule)
    assert found.rules.tolist() == [1, 2, NO_RULE, 1, NO_RULE, NO_RULE]
    assert [(item.rule_id, item.rows) for item in found.undecided] == [("b", 2)]


def test_schedules__to_the_millisecond__include_the_start_and_not_the_end() -> None:
    rule = rule_record("r", active_from_ms=NOW, active_until_ms=NOW + 2)
    facts = [make_facts(now_ms=NOW + step) for step in (-1, 0, 1, 2)]
    assert matches(facts, rule).rules.tolist() == [NO_RULE, 0, 0, NO_RULE]


@pytest.mark.parametrize(("field", "fact"), [("key", "key_id"), ("project", "project")])
def test_scopes__of_a_rule__are_told_from_other_spellings(field: str, fact: str) -> None:
    facts = [make_facts(**{fact: name}) for name in ("a", "A", "b")]
    assert matches(facts, rule_record("r", **{field: "a"})).rules.tolist() == [0, NO_RULE, NO_RULE]
    assert matches(facts, rule_record("r", **{field: "c"})).rules.tolist() == [NO_RULE] * 3


def test_undecided__of_rows_that_an_earlier_rule_decided__are_not_counted() -> None:
    facts = [make_facts(project=name) for name in ("a", "b", "b", "b")]
    first = rule_record("first", condition=when("project", "a"))
    unsure = rule_record("unsure", condition=when("language", "en"))
    found = matches(facts, first, unsure, {**unsure, "id": "again"})
    told = Counter({item.rule_id: item.rows for item in found.undecided})
    assert told == {"unsure": 3, "again": 3}


def test_undecided__of_two_clauses__names_the_one_that_the_engine_names() -> None:
    clauses = [*when("language", "en")["all"], *when("user", "Ana")["all"]]
    facts = [make_facts(), make_facts(language="en"), make_facts(user="Ana")]
    found = matches(facts, rule_record("r", condition={"all": clauses}))
    assert [(item.clause.field, item.rows) for item in found.undecided] == [
        ("language", 2),
        ("user", 1),
    ]
