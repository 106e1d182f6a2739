"""Answers of our own dialect, rendered without a server."""

from apps.core.chat import ChatResponse, TokenUsage
from apps.gateway.wire import router_answer


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
