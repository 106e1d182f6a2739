"""Kept traces: few bytes, the choice never lost, read back as they were."""

import json
from typing import Any

import pytest

from apps.routing.engine.hashing import fraction
from apps.routing.engine.trace import (
    FACTS_READ,
    LONGEST_TEXT,
    MOST_BYTES,
    RESERVED_BYTES,
    RULE_MISSES,
    loss_step,
    pack_trace,
    step_record,
    told_steps,
    unpack_trace,
)
from apps.routing.engine.types import Layer, TraceStep, Verdict
from tests.engine.faults import only
from tests.engine.records import choose, make_snapshot, rule_record

CHOSEN = TraceStep("deployment", "first_choice", "d1", "chosen", {"place": 1, "model": "small"})


def json_size(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def step(
    code: str, layer: Layer = "filter", verdict: Verdict = "removed", **numbers: Any
) -> TraceStep:
    return TraceStep(layer, code, "x" * 40, verdict, numbers)


def miss(number: int) -> TraceStep:
    return TraceStep("rule", "condition_failed", f"r{number}", "not_matched", {"name": "x" * 60})


def packed_codes(steps: list[TraceStep], most_bytes: int = MOST_BYTES) -> list[str]:
    packed = pack_trace(steps, json_size, most_bytes)
    assert json_size(packed) <= most_bytes
    return [item[1] for item in packed]


def test_pack__that_fits__is_whole_and_in_order() -> None:
    steps = [miss(1), step("disabled"), CHOSEN]
    packed = pack_trace(steps, json_size)
    assert packed[0] == ["rule", "condition_failed", "r1", "not_matched", {"name": "x" * 60}]
    assert [item[1] for item in packed] == ["condition_failed", "disabled", "first_choice"]


def test_pack__with_room_for_all_and_the_count__is_whole() -> None:
    steps = [miss(1), CHOSEN]
    # A comma follows each step, and the brackets are counted with the line of the count.
    size = sum(json_size(list(item)) + 1 for item in pack_trace(steps, json_size))
    assert packed_codes(steps, size + RESERVED_BYTES) == ["condition_failed", "first_choice"]
    assert packed_codes(steps, size + RESERVED_BYTES - 1) == ["first_choice", "steps_not_told"]


def test_pack__too_much__leaves_out_rules_that_did_not_match_the_last_first() -> None:
    steps = [
        *(miss(number) for number in range(50)),
        step("rule_matched", "rule", "matched"),
        CHOSEN,
    ]
    packed = pack_trace(steps, json_size)
    kept = [item[2] for item in packed if item[1] == "condition_failed"]
    assert kept == [f"r{number}" for number in range(len(kept))]
    assert [item[1] for item in packed[-3:]] == ["rule_matched", "first_choice", "steps_not_told"]
    assert packed[-1] == ["other", "steps_not_told", "", "removed", {"count": 50 - len(kept)}]
    assert json_size(packed) > MOST_BYTES - 200


@pytest.mark.parametrize("code", sorted(RULE_MISSES))
def test_pack__every_kind_of_miss__goes_before_a_reason(code: str) -> None:
    steps = [
        *(step(code, "rule", "not_matched", name="x" * 60) for _ in range(50)),
        step("disabled"),
    ]
    assert packed_codes(steps)[-2:] == ["disabled", "steps_not_told"]


def test_pack__many_candidates__never_loses_the_choice_and_what_led_to_it() -> None:
    steps = [
        step("rule_matched", "rule", "matched", name="x" * 120),
        *(step("scored", "deployment", "kept", score=number / 3) for number in range(200)),
        CHOSEN,
        *(step("fallback", "deployment", "kept", place=place) for place in (2, 3)),
        TraceStep("other", "without_rule", "d2", "kept", {"model": "large", "cost_difference": 5}),
    ]
    found = packed_codes(steps)
    assert found[0] == "rule_matched"
    assert {"first_choice", "without_rule"} <= set(found)
    assert found.count("scored") > 20


def test_pack__room_for_one_step__is_the_choices_then_what_led_to_it() -> None:
    chosen = TraceStep("deployment", "first_choice", "d1", "chosen", {"model": "x" * 150})
    deciding = step("rule_matched", "rule", "matched", name="x" * 100)
    reason = step("disabled", model="x" * 50)
    room = RESERVED_BYTES + 1
    for first, steps in ((chosen, [deciding, chosen]), (deciding, [reason, deciding])):
        size = json_size(pack_trace([first], json_size)[0])
        assert packed_codes(steps, room + size) == [first.code, "steps_not_told"]


def test_pack__step_that_just_fits__is_kept() -> None:
    steps = [step("disabled", model="x" * 200), CHOSEN, step("retired", a="x" * 99, b="x" * 150)]
    room = RESERVED_BYTES + sum(
        json_size(pack_trace([item], json_size)[0]) + 1 for item in steps[:2]
    )
    assert packed_codes(steps, room) == ["disabled", "first_choice", "steps_not_told"]
    assert packed_codes(steps, room - 1) == ["first_choice", "steps_not_told"]


def test_limits__of_a_kept_trace__are_what_the_design_says() -> None:
    assert (MOST_BYTES, LONGEST_TEXT) == (4_096, 160)


def test_pack__a_step_that_is_too_long__makes_room_for_shorter_ones() -> None:
    long = TraceStep("model", "rule_targets", "x", "kept", {str(n): "y" * 99 for n in range(60)})
    found = packed_codes([long, step("disabled"), CHOSEN])
    assert found == ["disabled", "first_choice", "steps_not_told"]


def test_pack__long_texts__are_cut() -> None:
    step_ = TraceStep("model", "requested", "é" * 500, "kept", {"count": 9, "name": "z" * 161})
    ((_layer, _code, subject, _verdict, numbers),) = pack_trace([step_], json_size)
    assert subject == "é" * (LONGEST_TEXT - 1) + "…"
    assert numbers == {"count": 9, "name": "z" * (LONGEST_TEXT - 1) + "…"}


def test_pack__a_text_that_just_fits__is_whole() -> None:
    step_ = TraceStep("model", "requested", "é" * LONGEST_TEXT, "kept", {})
    assert pack_trace([step_], json_size)[0][2] == "é" * LONGEST_TEXT


def test_pack__numbers__keep_three_digits_behind_the_point() -> None:
    numbers: dict[str, Any] = {
        "seconds": 1.23456,
        "score": 0.0004,
        "place": 1,
        "seen": True,
        "name": "1.23456",
    }
    ((*_head, packed),) = pack_trace([step("scored", **numbers)], json_size)
    assert packed == {"seconds": 1.235, "score": 0.0, "place": 1, "seen": True, "name": "1.23456"}


def test_unpack__what_was_packed__is_the_steps_again() -> None:
    steps = list(choose(make_snapshot(rules=[rule_record(targets=["small", "large"])])).trace)
    stored = json.loads(json.dumps(pack_trace(steps, json_size)))
    again = unpack_trace(stored)
    assert [item[:4] for item in again] == [item[:4] for item in steps]
    assert pack_trace(again, json_size) == stored


def test_unpack__objects_of_an_earlier_version__are_read_too() -> None:
    assert unpack_trace([step_record(CHOSEN)]) == [CHOSEN]


def facts_read(**seen: Any) -> TraceStep:
    return TraceStep("rule", FACTS_READ, "", "kept", seen)


def failed(field: str, **numbers: Any) -> TraceStep:
    return TraceStep("rule", "condition_failed", "r", "not_matched", {"field": field, **numbers})


def test_told_steps__of_conditions__say_what_each_saw_which_is_kept_once() -> None:
    steps = [
        facts_read(tag="bulk", user="ana"),
        failed("tag"),
        failed("user"),
        failed("tag"),
        CHOSEN,
    ]
    assert told_steps(steps) == [
        failed("tag", seen="bulk"),
        failed("user", seen="ana"),
        failed("tag", seen="bulk"),
        CHOSEN,
    ]


def test_told_steps__of_other_steps_on_the_field__stay_as_they_are() -> None:
    other = TraceStep("rule", "fact_missing", "r", "not_matched", {"field": "tag"})
    assert told_steps([facts_read(tag="bulk"), other]) == [other]


def test_told_steps__behind_a_rule_that_added_a_tag__say_what_was_seen_then() -> None:
    steps = [facts_read(tag="bulk"), failed("tag"), facts_read(tag="bulk, new"), failed("tag")]
    assert [step.numbers["seen"] for step in told_steps(steps)] == ["bulk", "bulk, new"]


def test_told_steps__of_shares__say_the_draw_of_each_rule() -> None:
    rules = [
        rule_record(name, condition=only("share_of_requests", "within_first", 0.001))
        for name in ("a", "b")
    ]
    steps = told_steps(choose(make_snapshot(rules=rules)).trace)
    draws = {step.subject: step.numbers["seen"] for step in steps if step.layer == "rule"}
    assert draws == {name: round(100 * fraction(name, "req_1"), 2) for name in ("a", "b")}


def test_told_steps__kept_by_an_earlier_version__say_what_they_said() -> None:
    assert told_steps([failed("tag", seen="old")]) == [failed("tag", seen="old")]
    assert told_steps([failed("tag")]) == [failed("tag")]


def test_pack__facts_read__are_kept_before_the_rules_that_read_them() -> None:
    steps = [facts_read(tag="bulk"), *(miss(number) for number in range(50)), CHOSEN]
    assert packed_codes(steps, 500)[0] == FACTS_READ


def test_step_record__of_a_step__is_plain_data_with_short_numbers() -> None:
    assert step_record(TraceStep("model", "drawn", "a" * 500, "kept", {"draw": 12.34567})) == {
        "layer": "model",
        "code": "drawn",
        "subject": "a" * 500,
        "verdict": "kept",
        "numbers": {"draw": 12.346},
    }


def test_loss__of_a_call__is_kept_as_a_step_among_the_first() -> None:
    step = loss_step("one", "seed, stop")
    assert pack_trace([step], lambda value: len(json.dumps(value))) == [
        ["other", "fields_dropped", "one", "removed", {"fields": "seed, stop"}]
    ]
