"""Rules: the order in which they are tried, what continues, what adds up, what is told."""

from collections.abc import Mapping
from typing import Any

import pytest

from apps.routing.engine.compile import compile_rule
from apps.routing.engine.rules import (
    NO_EFFECTS,
    TRACED_RULES,
    Matched,
    first_match,
    match_after,
    merge_effects,
    reads_requested_model,
)
from apps.routing.engine.trace import told_steps
from apps.routing.engine.types import Effects, Rule, TraceStep
from tests.engine.faults import only
from tests.engine.records import NOW, codes, make_facts, rule_record

VIP = only("tag", "has", "vip")
NEVER = only("tag", "has", "never")


def rules_of(*records: dict[str, Any]) -> list[Rule]:
    return [compile_rule(record) for record in records]


def matched_and_told(*records: dict[str, Any], **facts: Any) -> tuple[Matched, list[TraceStep]]:
    """Return what the rules say, and the steps as people read them."""
    steps: list[TraceStep] = []
    matched = first_match(rules_of(*records), make_facts(**facts), steps)
    return matched, told_steps(steps)


def missed(count: int) -> list[dict[str, Any]]:
    return [rule_record(f"n{number}", condition=NEVER) for number in range(count)]


def id_of(matched: Matched) -> str:
    return matched.rule.id if matched.rule else ""


# --- the order -----------------------------------------------------------------------------------


def test_first_match__among_several__is_the_first_that_holds_with_its_place() -> None:
    matched, steps = matched_and_told(
        rule_record("a", condition=VIP), rule_record("b"), rule_record("c")
    )
    assert (id_of(matched), matched.place) == ("b", 1)
    assert codes(steps) == ["condition_failed", "rule_matched"]


def test_first_match__of_none__has_the_place_behind_all() -> None:
    matched, steps = matched_and_told(*missed(2))
    assert (matched.rule, matched.place, matched.effects) == (None, 2, Effects())
    assert codes(steps) == ["condition_failed"] * 2


@pytest.mark.parametrize(
    ("guard", "counts"),
    [
        ({"project": "support"}, True),
        ({"project": "sales"}, False),
        ({"key": "key-1"}, True),
        ({"key": "key-2"}, False),
        ({"key": "key-1", "project": "sales"}, False),
        ({"key": "key-2", "project": "support"}, False),
        ({"active_from_ms": NOW}, True),
        ({"active_from_ms": NOW + 1}, False),
        ({"active_until_ms": NOW + 1}, True),
        ({"active_until_ms": NOW}, False),
        ({"active_from_ms": 0, "active_until_ms": NOW}, False),
        ({"active_from_ms": NOW, "active_until_ms": NOW + 1}, True),
        ({"active_until_ms": 0}, False),
    ],
)
def test_guard__of_a_rule__lets_it_count_or_passes_over_it_in_silence(
    guard: dict[str, Any], counts: bool
) -> None:
    matched, steps = matched_and_told(rule_record("r", **guard))
    assert (id_of(matched), codes(steps)) == (("r", ["rule_matched"]) if counts else ("", []))
    without = match_after(
        rules_of(rule_record("first"), rule_record("r", **guard)), first_of("first")
    )
    assert id_of(without) == ("r" if counts else "")


def first_of(id_: str) -> Matched:
    return Matched(compile_rule(rule_record(id_)), Effects(), Effects(), make_facts(), 0)


# --- rules that continue -------------------------------------------------------------------------


def test_continue__adds_effects_and_tags__for_the_rules_behind_it() -> None:
    mark = rule_record("mark", action="continue", add_tags=["vip", "old"], cache_seconds=60)
    matched, steps = matched_and_told(
        mark, rule_record("b", condition=VIP, prompt_template="tone"), tags=("old",)
    )
    assert (id_of(matched), codes(steps)) == ("b", ["rule_continued", "rule_matched"])
    assert matched.facts.tags == ("old", "vip")
    assert matched.effects == Effects(prompt_template="tone", cache_seconds=60, tags=("vip", "old"))
    assert matched.before == Effects(cache_seconds=60, tags=("vip", "old"))


def test_continue__last_of_all__leaves_its_effects_without_a_rule() -> None:
    matched, _steps = matched_and_told(rule_record("mark", action="continue", cache_seconds=60))
    assert (matched.rule, matched.effects.cache_seconds) == (None, 60)
    assert matched.before == matched.effects


def test_continue__whose_condition_fails__changes_nothing() -> None:
    matched, steps = matched_and_told(
        rule_record("mark", action="continue", condition=NEVER, cache_seconds=60)
    )
    assert (matched.effects, codes(steps)) == (Effects(), ["condition_failed"])


def test_continue__without_new_tags__keeps_the_facts() -> None:
    facts = make_facts(tags=("vip",))
    mark = compile_rule(rule_record("mark", action="continue", add_tags=["vip"]))
    assert first_match([mark], facts, []).facts is facts


# --- without the one that decided ----------------------------------------------------------------


def test_match_after__the_rule_that_decided__is_what_the_others_say() -> None:
    rules = rules_of(
        rule_record("mark", action="continue", cache_seconds=60),
        rule_record("a", prompt_template="lost", add_tags=["vip"]),
        rule_record("no", condition=VIP),
        rule_record("more", action="continue", add_tags=["seen"], max_output_tokens=5),
        rule_record("b", condition=only("tag", "has", "seen"), cache_seconds=90),
    )
    other = match_after(rules, first_match(rules, make_facts(), []))
    assert (id_of(other), other.place) == ("b", 4)
    assert other.effects == Effects(cache_seconds=60, tags=("seen",), max_output_tokens=5)
    assert other.facts.tags == ("seen",)


def test_match_after__the_last__is_no_rule_with_the_effects_so_far() -> None:
    rules = rules_of(
        rule_record("a"),
        rule_record("more", action="continue", cache_seconds=60),
        rule_record("no", condition=NEVER),
    )
    other = match_after(rules, first_match(rules, make_facts(), []))
    assert (other.rule, other.effects, other.place) == (None, Effects(cache_seconds=60), 3)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_match_after__any_list__says_what_first_match_says_of_the_rest(count: int) -> None:
    records = [
        rule_record("mark", action="continue", add_tags=["vip"]),
        *(rule_record(f"v{number}", condition=VIP) for number in range(count)),
    ]
    rules = rules_of(*records)
    matched = first_match(rules, make_facts(), [])
    rest = [rule for rule in rules if rule is not matched.rule]
    alone, other = first_match(rest, make_facts(), []), match_after(rules, matched)
    assert (id_of(alone), alone.effects, alone.facts) == (id_of(other), other.effects, other.facts)


# --- effects -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first", "second", "both"),
    [
        ("prompt_template", "a", "b", "a"),
        ("prompt_template", "", "b", "b"),
        ("cache_seconds", 5, 9, 5),
        ("cache_seconds", 0, 9, 9),
        ("data_class", "a", "b", "a"),
        ("data_class", "", "b", "b"),
        ("first_token_timeout_ms", 5, 3, 5),
        ("first_token_timeout_ms", None, 3, 3),
        ("total_timeout_ms", 5, 3, 5),
        ("total_timeout_ms", None, 3, 3),
        ("max_attempts", 5, 3, 5),
        ("max_attempts", None, 3, 3),
        ("on_content_filter", "next", "return", "next"),
        ("on_content_filter", "", "return", "return"),
        ("on_unsupported", "drop", "refuse", "drop"),
        ("on_unsupported", "", "refuse", "refuse"),
        ("max_output_tokens", 5, 3, 3),
        ("max_output_tokens", 3, 5, 3),
        ("max_output_tokens", None, 5, 5),
        ("max_output_tokens", 5, None, 5),
        ("max_output_tokens", 0, 5, 0),
        ("price_cap", 5, 3, 3),
        ("price_cap", 0, 3, 0),
        ("latency_cap_ms", 5, 3, 3),
        ("latency_cap_ms", None, None, None),
        ("allow_unknown", True, False, True),
        ("allow_unknown", False, True, True),
        ("allow_unknown", False, False, False),
        ("parameters", {"a": 1}, {"a": 2, "b": 3}, {"a": 1, "b": 3}),
        ("tags", ("x", "y"), ("y", "z"), ("x", "y", "z")),
        ("regions", ("eu", "us"), ("br", "us"), ("us",)),
        ("regions", ("eu",), (), ("eu",)),
        ("regions", (), ("eu",), ("eu",)),
        ("regions", ("eu",), ("us",), ("-",)),
        ("regions", ("-",), ("us",), ("-",)),
        ("regions", (), (), ()),
    ],
)
def test_merge__of_each_setting__keeps_the_earlier_the_tighter_or_both(
    name: str, first: Any, second: Any, both: Any
) -> None:
    # Another setting on each side, so that neither is empty.
    others: Mapping[str, Any] = {} if name == "cache_seconds" else {"cache_seconds": 7}
    merged = merge_effects(Effects(**{name: first, **others}), Effects(**{name: second, **others}))
    assert merged == Effects(**{name: both, **others})


def test_merge__with_nothing__is_the_other_one() -> None:
    some = Effects(price_cap=5)
    assert merge_effects(Effects(), some) == some
    assert merge_effects(some, Effects()) == some
    assert merge_effects(Effects(), Effects()) == Effects()
    # Most requests: nothing is copied.
    assert merge_effects(NO_EFFECTS, some) is some
    assert merge_effects(some, Effects()) is some


# --- what is told --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "code", "numbers"),
    [
        (
            VIP,
            "condition_failed",
            {"field": "tag", "operator": "has", "expected": "vip", "seen": "bulk"},
        ),
        (
            {"none": only("tag", "has", ["bulk", "x"])["all"]},
            "condition_forbids",
            {"field": "tag", "operator": "has", "expected": "bulk, x", "seen": "bulk"},
        ),
        (
            only("user", "is", "ana"),
            "fact_missing",
            {"field": "user", "operator": "is", "expected": "ana"},
        ),
        ({"any": []}, "condition_unmet", {}),
    ],
)
def test_step__of_a_rule_that_did_not_match__names_the_clause_and_what_was_seen(
    condition: dict[str, Any], code: str, numbers: dict[str, Any]
) -> None:
    _matched, (step,) = matched_and_told(
        rule_record("r", name="Rule", condition=condition), tags=("bulk",)
    )
    assert step == TraceStep("rule", code, "r", "not_matched", {"name": "Rule", **numbers})


@pytest.mark.parametrize(
    ("action", "code"),
    [("route", "rule_matched"), ("reject", "rule_matched"), ("continue", "rule_continued")],
)
def test_step__of_a_rule_that_matched__names_it_with_its_scope(action: str, code: str) -> None:
    _matched, (step,) = matched_and_told(
        rule_record("r", name="Rule", scope="global", action=action)
    )
    assert step == TraceStep("rule", code, "r", "matched", {"name": "Rule", "scope": "global"})


@pytest.mark.parametrize(("count", "untold"), [(49, 0), (50, 0), (51, 1), (60, 10)])
def test_steps__more_rules_than_are_told__are_counted_before_the_match(
    count: int, untold: int
) -> None:
    _matched, steps = matched_and_told(*missed(count), rule_record("last"))
    assert codes(steps).count("condition_failed") == min(count, TRACED_RULES)
    assert codes(steps)[-1] == "rule_matched"
    counted = [step.numbers for step in steps if step.code == "rules_not_told"]
    assert counted == ([{"count": untold}] if untold else [])


def test_steps__what_was_read__takes_no_rule_its_room() -> None:
    mark = rule_record("mark", action="continue")
    steps: list[TraceStep] = []
    rules = rules_of(*missed(30), mark, *missed(30), rule_record("last"))
    first_match(rules, make_facts(), steps)
    told = codes(steps)
    assert told.count("facts_read") == 2
    assert told.count("condition_failed") + told.count("rule_continued") == TRACED_RULES


def test_steps__rules_that_continue__are_told_behind_the_limit_too() -> None:
    _matched, steps = matched_and_told(
        *missed(60), rule_record("mark", action="continue"), *missed(2)
    )
    assert codes(steps)[-2:] == ["rule_continued", "rules_not_told"]
    assert steps[-1] == TraceStep("rule", "rules_not_told", "", "not_matched", {"count": 12})


@pytest.mark.parametrize(
    ("condition", "reads"),
    [
        ({}, False),
        (VIP, False),
        (only("requested_model", "is", "x"), True),
        ({"all": [VIP["all"][0], {"none": only("requested_model", "is", "x")["all"]}]}, True),
    ],
)
def test_reads_requested_model__at_any_depth__is_known(
    condition: dict[str, Any], reads: bool
) -> None:
    assert reads_requested_model(compile_rule(rule_record(condition=condition))) is reads
