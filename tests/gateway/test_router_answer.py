"""Answers of our own dialect, rendered without a server."""

from apps.core.chat import ChatResponse, TokenUsage
from apps.gateway.wire import router_answer
from apps.routing.engine.request_router import decide
from apps.routing.engine.types import Health
from tests.engine.records import make_facts, make_snapshot, rule_record


def test_render_answer__of_a_response__tells_text_end_and_every_count() -> None:
    told = router_answer.render_answer(ChatResponse("Hi", "stop", TokenUsage(7, 5, 3, 2, 1)))
    assert told["message"] == {"role": "assistant", "content": "Hi"}
    assert told["finish_reason"] == "stop"
    assert told["usage"] == {
        "input_tokens": 7,
        "output_tokens": 5,
        "cached_input_tokens": 3,
        "cache_write_tokens": 2,
        "reasoning_tokens": 1,
        "is_estimated": False,
    }


def test_render_cost__of_micro_dollars__is_exact_in_both_units() -> None:
    assert router_answer.render_cost(1_234_567) == {"micro_usd": 1_234_567, "usd": "1.234567"}


def test_render_decision__of_an_experiment__tells_the_arm_its_chance_and_the_cost() -> None:
    arm = {"name": "new", "weight": 100, "targets": ["large"]}
    snapshot = make_snapshot(rules=[rule_record(arms=[arm], targets=["small"])])
    decision = decide(make_facts(), snapshot, Health(), "s")
    told = router_answer.render_decision(decision, "en")
    assert told["arm"] == {"name": "new", "propensity": 1.0}
    first, last = told["attempts"][0], told["attempts"][-1]
    assert (first["model"], last["model"]) == ("large", "small")
    assert told["cost"]["expected"] == first["expected_cost"]
    assert told["cost"]["low"]["micro_usd"] <= told["cost"]["expected"]["micro_usd"]
    assert told["cost"]["high"] == max(
        (item["worst_case_cost"] for item in told["attempts"]), key=lambda cost: cost["micro_usd"]
    )


def test_render_decision__of_nobody__costs_nothing_and_has_no_arm() -> None:
    decision = decide(make_facts(needs=("audio",)), make_snapshot(), Health(), "s")
    told = router_answer.render_decision(decision, "en")
    assert (told["outcome"], told["arm"], told["rule"]) == ("ineligible", None, None)
    assert [cost["micro_usd"] for cost in told["cost"].values()] == [0, 0, 0]
