"""Whatever a caller sends is translated or refused by name: nothing becomes a defect of ours."""

import re
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import InvalidRequest
from apps.providers.adapters.anthropic.requests import build_request
from apps.providers.adapters.base import AttemptError
from tests.providers.anthropic_calls import (
    CLOCK,
    MANUAL,
    NEW,
    OLD,
    WEATHER,
    calling,
    make_call,
    result,
)

WORDS = st.sampled_from(["", " ", "a", "b:1", "{", "{}", '{"a":1}', "weather", "user", "ephemeral"])
KEYS = st.sampled_from(["type", "name", "function", "url", "a"])
SMALL = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)
PNG = "data:image/png;base64,aGk="
PARTS = st.one_of(
    WORDS.map(lambda text: {"type": "text", "text": text}),
    st.sampled_from([PNG, "https://x.test/a", "", 5]).map(
        lambda url: {"type": "image_url", "image_url": {"url": url}}
    ),
    st.sampled_from([PNG, "data:application/pdf;base64,aGk=", None]).map(
        lambda data: {"type": "file", "file": {"file_data": data}}
    ),
    st.fixed_dictionaries({"type": st.sampled_from(["refusal", "video"]), "refusal": SMALL}),
)
CALLS = st.fixed_dictionaries(
    {"id": WORDS}, optional={"function": st.fixed_dictionaries({"name": WORDS, "arguments": WORDS})}
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool", "function"])},
    optional={
        "content": WORDS | st.lists(PARTS, max_size=3) | st.none(),
        "tool_calls": st.lists(CALLS, max_size=2) | SMALL,
        "function_call": SMALL,
        "tool_call_id": WORDS,
        "thinking_blocks": st.lists(SMALL, max_size=2) | SMALL,
        "cache_control": SMALL,
        "name": SMALL,
    },
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "tools": st.lists(st.sampled_from([WEATHER, CLOCK]), max_size=2) | SMALL,
        "functions": SMALL,
        "tool_choice": st.sampled_from(["auto", "none", "required"]) | SMALL,
        "parallel_tool_calls": SMALL,
        "response_format": SMALL,
        "reasoning_effort": st.sampled_from(["none", "low", "max", "odd"]) | SMALL,
        "reasoning": SMALL,
        "max_tokens": st.integers(1, 9_000),
        "top_k": SMALL,
        "seed": SMALL,
        "logprobs": SMALL,
        "stop": st.lists(WORDS, max_size=3),
        "audio": SMALL,
    },
)


IDS = st.sampled_from(["a", "b", "c:1", "c/1"])
AGENT_TURNS = st.one_of(
    st.sampled_from(["", "Go on"]).map(lambda text: [{"role": "user", "content": text}]),
    st.sampled_from(["", "Well"]).map(lambda text: [{"role": "assistant", "content": text}]),
    st.just([{"role": "developer", "content": "Be brief."}]),
    st.tuples(st.lists(IDS, min_size=1, max_size=3, unique=True), st.integers(0, 3)).map(
        lambda drawn: [calling(*drawn[0]), *map(result, reversed(drawn[0][: drawn[1]]))]
    ),
)


def built_or_refused(**body: Any) -> dict[str, Any] | AttemptError | InvalidRequest:
    """Return what would be sent, or why it cannot be."""
    try:
        return build_request(make_call(**body)).body
    except (AttemptError, InvalidRequest) as error:
        return error


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(AGENT_TURNS, min_size=1, max_size=6), OPTIONS)
def test_history_of_an_agent__broken_off_anywhere__becomes_a_legal_one(
    turns: list[list[dict[str, Any]]], options: dict[str, Any]
) -> None:
    messages = [message for turn in turns for message in turn]
    kept = {name: options[name] for name in ("max_tokens", "stop") if name in options}
    found = built_or_refused(messages=messages, **kept)
    if isinstance(found, dict):
        assert is_legal(found) == []
    else:
        # Two turns in a row that call under the same id: the only refusal there may be.
        assert "two tool calls" in found.message


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(MESSAGES, min_size=1, max_size=6), OPTIONS, st.sampled_from([NEW, OLD, MANUAL]))
def test_any_body__becomes_a_legal_request_or_is_refused_by_name(
    messages: list[dict[str, Any]], options: dict[str, Any], model: str
) -> None:
    before = orjson.dumps(messages)
    found = built_or_refused(model=model, messages=messages, **options)
    assert orjson.dumps(messages) == before, "the caller's body stays as it was"
    if isinstance(found, dict):
        assert is_legal(found) == []
    else:
        assert found.param


def is_legal(arguments: dict[str, Any]) -> list[str]:
    """Return what the provider would refuse."""
    thread = arguments["messages"]
    roles = [message["role"] for message in thread]
    faults = [] if roles == (["user", "assistant"] * len(roles))[: len(roles)] else ["roles"]
    open_calls: list[str] = []
    seen: list[str] = []
    for message in thread:
        blocks = message["content"]
        kinds = [block["type"] for block in blocks]
        answered = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if kinds[: len(answered)] != ["tool_result"] * len(answered) or not kinds:
            faults.append("results first")
        if message["role"] == "user" and sorted(answered) != sorted(open_calls):
            faults.append("every call has its result")
        if any(block["type"] == "text" and not block["text"].strip() for block in blocks):
            faults.append("empty text")
        open_calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if not all(re.fullmatch("[a-zA-Z0-9_-]+", each) for each in open_calls):
            faults.append("ids")
        seen += open_calls
    if len(set(seen)) < len(seen):
        faults.append("ids are used twice")
    return [*faults, "open calls"] if open_calls else faults
