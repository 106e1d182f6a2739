"""Fields: what each reads, what it shows in a trace, and that absent facts are told apart."""

from typing import Any

import pytest

from apps.routing.engine.fields import (
    FIELDS,
    LONGEST_SEEN,
    NEEDS,
    WEEKDAYS,
    fact_of,
    field_named,
    reader_of,
)
from apps.routing.engine.hashing import fraction
from apps.routing.engine.operators import OPERATORS_BY_KIND
from tests.engine.records import make_facts

FULL: dict[str, Any] = {
    "key_tags": ("beta",),
    "dialect": "openai",
    "user": "ana",
    "requested_model": "fast",
    "prompt_template": "tone",
    "conversation": "c1",
    "needs": ("tools", "vision"),
    "tags": ("vip",),
    "added_tokens": 90,
    "temperature": 0.5,
    "language": "pt",
    "patterns": {"p": True},
    "message_length": 12,
    "local_time": ("2026-12-25", 61, 4),
    "budget_left_percent": 12.5,
    "providers_down": ("acme-ai",),
    "providers_degraded": ("acme-ai", "other"),
    "metadata": {"plan": "gold"},
    "headers": {"x-team": "red"},
}
# field, what it reads of a full request, what a trace shows, what it reads of a bare one
FIELD_CASES: list[tuple[str, Any, Any, Any]] = [
    ("tenant", "acme", "acme", "acme"),
    ("project", "support", "support", "support"),
    ("api_key", "key-1", "key-1", "key-1"),
    ("key_tag", ("beta",), "beta", ()),
    ("user", "ana", "ana", None),
    ("tag", ("vip", "beta"), "vip, beta", ()),
    ("door", "chat", "chat", "chat"),
    ("dialect", "openai", "openai", None),
    ("requested_model", "fast", "fast", ""),
    ("prompt_template", "tone", "tone", ""),
    ("in_conversation", True, True, False),
    ("conversation", "c1", "c1", None),
    ("needs", ("tools", "vision"), "tools, vision", ()),
    # What the caller sent, without a rule's own prompt.
    ("prompt_tokens", 1_000, 1_000, 1_000),
    ("max_output_tokens", 500, 500, None),
    ("temperature", 0.5, 0.5, None),
    ("language", "pt", "pt", None),
    # Never the text itself.
    ("message_text", {"p": True}, "", {}),
    ("message_length", 12, 12, None),
    ("time_of_day", 61, "01:01", None),
    ("weekday", "fri", "fri", None),
    ("date", "2026-12-25", "2026-12-25", None),
    ("holiday", "2026-12-25", "2026-12-25", None),
    ("budget_left_percent", 12.5, 12.5, None),
    ("provider_down", ("acme-ai",), "acme-ai", None),
    ("provider_degraded", ("acme-ai", "other"), "acme-ai, other", None),
    ("share_of_requests", "req_1", round(100 * fraction("r", "req_1"), 2), "req_1"),
    ("share_of_conversations", "c1", round(100 * fraction("r", "c1"), 2), None),
    ("share_of_users", "ana", round(100 * fraction("r", "ana"), 2), None),
    ("metadata.plan", "gold", "gold", None),
    ("header.X-Team", "red", "red", None),
]


@pytest.mark.parametrize(("name", "seen", "shown", "bare"), FIELD_CASES)
def test_field__of_full_and_bare_requests__reads_and_shows_its_fact(
    name: str, seen: Any, shown: Any, bare: Any
) -> None:
    field = field_named(name)
    assert field is not None
    facts = make_facts(**FULL)
    assert field.read(facts) == seen
    assert reader_of(name, "r").show(facts) == shown
    assert field.read(make_facts(max_output_tokens=None)) == bare


def test_fields__of_the_table__are_each_tried() -> None:
    named = {name for name, _seen, _shown, _bare in FIELD_CASES if "." not in name}
    assert named == set(FIELDS)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_field__of_the_table__has_the_operators_of_its_kind(name: str) -> None:
    assert FIELDS[name].operators is OPERATORS_BY_KIND[FIELDS[name].kind]


@pytest.mark.parametrize("name", ["", "mood", "metadata", "metadata.", "header.", "header"])
def test_field_named__unknown__is_none(name: str) -> None:
    assert field_named(name) is None


def test_field_named__metadata__has_case_and_headers_have_none() -> None:
    plan, team = field_named("metadata.Plan"), field_named("header.x-TEAM")
    assert plan is not None
    assert team is not None
    facts = make_facts(**FULL)
    assert (plan.read(facts), team.read(facts)) == (None, "red")


def test_field_named__metadata_with_a_dot__is_one_name() -> None:
    field = field_named("metadata.a.b")
    assert field is not None
    assert field.read(make_facts(metadata={"a.b": "x"})) == "x"


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("user", {"user": "x" * 500}),
        ("tag", {"tags": ("x" * 40, "y" * 40)}),
        ("metadata.plan", {"metadata": {"plan": "x" * 500}}),
    ],
)
def test_reader__long_fact__is_shown_cut(name: str, facts: dict[str, Any]) -> None:
    shown = reader_of(name, "").show(make_facts(**facts))
    assert isinstance(shown, str)
    assert len(shown) == LONGEST_SEEN == 60


def test_choices__of_weekdays_and_needs__are_folded_and_distinct() -> None:
    assert len(set(WEEKDAYS)) == 7
    assert all(name == name.casefold() for name in (*WEEKDAYS, *NEEDS))
    assert (FIELDS["weekday"].choices, FIELDS["needs"].choices) == (WEEKDAYS, NEEDS)


@pytest.mark.parametrize(("day", "name"), list(enumerate(WEEKDAYS)))
def test_weekday__from_monday__is_named(day: int, name: str) -> None:
    assert FIELDS["weekday"].read(make_facts(local_time=("2026-01-01", 0, day))) == name


def test_fact__of_one_field__is_one_for_all_rules_and_shares_have_one_for_each() -> None:
    assert fact_of("tag", "a") == fact_of("tag", "b") == "tag"
    assert fact_of("share_of_users", "a") != fact_of("share_of_users", "b")


def test_fact__of_a_field_that_is_no_more__is_its_name() -> None:
    assert fact_of("mood", "a") == "mood"


def test_reader__unknown_field__is_refused() -> None:
    with pytest.raises(KeyError, match="mood"):
        reader_of("mood", "")
