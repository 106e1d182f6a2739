"""Hard filters one by one: limits joined, models and deployments kept or removed with numbers."""

from typing import Any

import pytest

from apps.routing.engine.filters import (
    DEFAULT_OUTPUT_TOKENS,
    Candidate,
    Limits,
    keep_candidates,
    limits_of,
    models_behind,
    providers_in_trouble,
    successor_of,
)
from apps.routing.engine.types import Effects, Snapshot, TraceStep
from tests.engine.records import (
    NOW,
    deployment_record,
    make_facts,
    make_health,
    make_snapshot,
    model_record,
)


def limits(
    effects: Effects | None = None, snapshot: Snapshot | None = None, **facts: Any
) -> Limits:
    return limits_of(make_facts(**facts), effects or Effects(), snapshot or make_snapshot())


def small(**fields: Any) -> Snapshot:
    """Return a snapshot in which the model small has these fields."""
    return make_snapshot({"models": {"small": model_record(**fields), "large": model_record()}})


def model_fault(snapshot: Snapshot, of: Limits, name: str = "small") -> tuple[str, dict[str, Any]]:
    steps: list[TraceStep] = []
    if keep_candidates(name, of, snapshot, steps):
        assert steps == []
        return "", {}
    (step,) = steps
    assert (step.layer, step.subject, step.verdict) == ("filter", name, "removed")
    return step.code, dict(step.numbers)


def kept(of: Limits, **deployment: Any) -> tuple[list[Candidate], list[TraceStep]]:
    """Return what is kept of a model with one deployment, and the steps."""
    snapshot = make_snapshot({"deployments": [deployment_record(**deployment)]})
    steps: list[TraceStep] = []
    return keep_candidates("small", of, snapshot, steps), steps


def deployment_fault(of: Limits, **deployment: Any) -> tuple[str, dict[str, Any]]:
    found, steps = kept(of, **deployment)
    if found:
        return "", {}
    (step,) = steps
    assert (step.layer, step.subject, step.verdict) == ("filter", "d1", "removed")
    assert step.numbers["model"] == "small"
    return step.code, {name: value for name, value in step.numbers.items() if name != "model"}


# --- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "cap", "wanted", "most"),
    [
        (None, None, None, DEFAULT_OUTPUT_TOKENS),
        (700, None, 700, 700),
        (700, 300, 300, 300),
        (300, 700, 300, 300),
        (None, 300, None, 300),
        (0, None, 0, 0),
        (9_000, None, 9_000, 9_000),
    ],
)
def test_limits__of_caller_and_rule__are_the_smaller(
    asked: int | None, cap: int | None, wanted: int | None, most: int
) -> None:
    found = limits(Effects(max_output_tokens=cap), max_output_tokens=asked)
    assert (found.wanted_output, found.most_output) == (wanted, most)
    assert DEFAULT_OUTPUT_TOKENS == 4_096


@pytest.mark.parametrize(
    ("effects", "facts", "strict"),
    [
        ({}, {}, False),
        ({"regions": ("eu",)}, {}, True),
        ({}, {"allowed_regions": ("eu",)}, True),
        ({"data_class": "x"}, {}, True),
        ({}, {"data_class": "x"}, True),
        ({"price_cap": 0}, {}, True),
    ],
)
def test_limits__any_policy__is_looked_at(
    effects: dict[str, Any], facts: dict[str, Any], strict: bool
) -> None:
    assert limits(Effects(**effects), **facts).is_strict is strict


@pytest.mark.parametrize(
    ("allowed", "models"),
    [
        ((), None),
        (("small",), {"small"}),
        (("fast", "large"), {"small", "large"}),
        (("auto",), {"small", "large"}),
        (("old",), {"large"}),
        (("gone",), {"gone"}),
    ],
)
def test_limits__models_of_a_key__are_resolved_with_successors(
    allowed: tuple[str, ...], models: set[str] | None
) -> None:
    catalogue = {
        "small": model_record(),
        "large": model_record(),
        "old": model_record(lifecycle="retired", successor="large"),
    }
    snapshot = make_snapshot({"models": catalogue}, aliases={"fast": ["small"]})
    assert limits(snapshot=snapshot, allowed_models=allowed).allowed_models == models


# --- models --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lifecycle", ["active", "preview", "deprecated"])
def test_model__that_fits__is_kept(lifecycle: str) -> None:
    assert model_fault(small(lifecycle=lifecycle), limits()) == ("", {})


def test_model__unknown_retired_not_allowed_or_without_deployment__is_removed() -> None:
    assert model_fault(make_snapshot(), limits(), "gone") == ("unknown_model", {})
    assert model_fault(small(lifecycle="retired"), limits()) == ("retired", {})
    limited = limits(allowed_models=("large",))
    assert model_fault(make_snapshot(), limited) == ("not_allowed_for_key", {})
    assert model_fault(make_snapshot(granted=[]), limits()) == ("no_deployment", {})


@pytest.mark.parametrize(
    ("answers", "allow_unknown", "fault"),
    [
        ({"vision": "yes", "audio": "yes"}, False, ("", {})),
        ({"vision": "yes", "audio": "no"}, False, ("capability_missing", {"capability": "audio"})),
        ({"vision": "yes"}, False, ("capability_unknown", {"capability": "audio"})),
        (
            {"vision": "unknown", "audio": "no"},
            False,
            ("capability_unknown", {"capability": "vision"}),
        ),
        (
            {"vision": "unknown", "audio": "no"},
            True,
            ("capability_missing", {"capability": "audio"}),
        ),
        ({"vision": "unknown"}, True, ("", {})),
        # A word that nobody knows is no yes.
        (
            {"vision": "maybe", "audio": "yes"},
            False,
            ("capability_unknown", {"capability": "vision"}),
        ),
    ],
)
def test_capability__needed__must_be_a_yes_unless_a_rule_allows_the_unknown(
    answers: dict[str, str], allow_unknown: bool, fault: tuple[str, dict[str, Any]]
) -> None:
    of = limits(Effects(allow_unknown=allow_unknown), needs=("vision", "audio"))
    assert model_fault(small(capabilities=answers), of) == fault


@pytest.mark.parametrize(
    ("asked", "cap", "fault"),
    [
        (500, None, ("", {})),
        (501, None, ("output_too_small", {"needed": 501, "most": 500})),
        (501, 500, ("", {})),
        (502, 501, ("output_too_small", {"needed": 501, "most": 500})),
        (None, 501, ("", {})),
        (None, None, ("", {})),
    ],
)
def test_output__that_the_caller_asks_for__must_be_given(
    asked: int | None, cap: int | None, fault: tuple[str, dict[str, Any]]
) -> None:
    of = limits(Effects(max_output_tokens=cap), max_output_tokens=asked)
    assert model_fault(small(max_output_tokens=500), of) == fault


@pytest.mark.parametrize(
    ("facts", "needed"),
    [
        ({"prompt_tokens": 1_000, "max_output_tokens": 500}, 1_500),
        ({"prompt_tokens": 900, "added_tokens": 100, "max_output_tokens": 500}, 1_500),
        ({"prompt_tokens": 1_499, "max_output_tokens": None}, 1_500),
        ({"prompt_tokens": 1_499, "max_output_tokens": 0}, 1_500),
        ({"prompt_tokens": 1_499, "max_output_tokens": 1}, 1_500),
    ],
)
def test_window__input_and_what_is_asked__must_fit(facts: dict[str, Any], needed: int) -> None:
    assert model_fault(small(context_window=needed), limits(**facts)) == ("", {})
    too_small = ("context_too_small", {"needed": needed, "window": needed - 1})
    assert model_fault(small(context_window=needed - 1), limits(**facts)) == too_small


# --- deployments ---------------------------------------------------------------------------------


def test_deployments__of_a_model__are_kept_in_order() -> None:
    pool = [deployment_record("b"), deployment_record("off", is_enabled=False)]
    pool.append(deployment_record("a", output_price=4_000_000))
    snapshot = make_snapshot({"deployments": pool})
    steps: list[TraceStep] = []
    found = keep_candidates("small", limits(), snapshot, steps)
    assert keep_candidates("small", limits(), snapshot, None) == found
    assert [(c.deployment.id, c.output_tokens) for c in found] == [("b", 500), ("a", 500)]
    assert [step.subject for step in steps] == ["off"]


@pytest.mark.parametrize(
    ("facts", "window", "output"),
    [
        ({"max_output_tokens": 500}, 100_000, 500),
        ({"max_output_tokens": None}, 100_000, DEFAULT_OUTPUT_TOKENS),
        ({"max_output_tokens": None}, 3_000, 2_000),
        ({"max_output_tokens": None}, 1_001, 1),
        ({"max_output_tokens": 8_000}, 100_000, 8_000),
        ({"max_output_tokens": 0}, 100_000, 1),
    ],
)
def test_output__of_a_call__is_the_smallest_limit_and_at_least_one(
    facts: dict[str, Any], window: int, output: int
) -> None:
    snapshot = small(context_window=window)
    (found,) = keep_candidates("small", limits(**facts), snapshot, None)
    assert found.output_tokens == output


@pytest.mark.parametrize(
    ("facts", "effects", "deployment", "fault"),
    [
        ({}, {}, {}, ("", {})),
        ({}, {}, {"is_enabled": False}, ("disabled", {})),
        ({}, {}, {"traffic": "drain"}, ("draining", {})),
        ({"conversation": "c"}, {}, {"traffic": "drain"}, ("draining", {})),
        ({"is_continued": True}, {}, {"traffic": "drain"}, ("", {})),
        ({"excluded_deployments": ("x", "d1")}, {}, {}, ("excluded", {})),
        ({"tried_deployments": ("d1",)}, {}, {}, ("", {})),
        ({"budget_left": 2_000}, {}, {}, ("", {})),
        ({"budget_left": 1_999}, {}, {}, ("budget_too_small", {"cost": 2_000, "left": 1_999})),
        ({"budget_left": 0}, {}, {}, ("budget_too_small", {"cost": 2_000, "left": 0})),
        ({"budget_left": 4_000, "choices": 3}, {}, {}, ("", {})),
        (
            {"budget_left": 3_999, "choices": 3},
            {},
            {},
            ("budget_too_small", {"cost": 4_000, "left": 3_999}),
        ),
        ({"allowed_regions": ("eu", "us")}, {}, {"region": "us"}, ("", {})),
        ({"allowed_regions": ("eu",)}, {}, {"region": "us"}, ("region_denied", {"region": "us"})),
        ({}, {"regions": ("eu",)}, {"region": ""}, ("region_denied", {"region": "-"})),
        (
            {"allowed_regions": ("eu", "us")},
            {"regions": ("us", "br")},
            {"region": "br"},
            ("region_denied", {"region": "br"}),
        ),
        ({"data_class": "a"}, {}, {"data_classes": ["a", "b"]}, ("", {})),
        (
            {"data_class": "a"},
            {},
            {"data_classes": ["b"]},
            ("data_class_denied", {"data_class": "a"}),
        ),
        (
            {"data_class": "b"},
            {"data_class": "a"},
            {"data_classes": ["b"]},
            ("data_class_denied", {"data_class": "a, b"}),
        ),
        ({}, {"price_cap": 2_000_000}, {}, ("", {})),
        (
            {},
            {"price_cap": 1_999_999},
            {},
            ("price_above_cap", {"price": 2_000_000, "cap": 1_999_999}),
        ),
        (
            {},
            {"price_cap": 2_000_000},
            {"input_price": 3_000_000},
            ("price_above_cap", {"price": 3_000_000, "cap": 2_000_000}),
        ),
        ({}, {"price_cap": 0}, {"input_price": 0, "output_price": 0}, ("", {})),
    ],
)
def test_deployment__against_each_limit__is_kept_or_removed_with_its_numbers(
    facts: dict[str, Any],
    effects: dict[str, Any],
    deployment: dict[str, Any],
    fault: tuple[str, dict[str, Any]],
) -> None:
    assert deployment_fault(limits(Effects(**effects), **facts), **deployment) == fault


# --- names and successors ------------------------------------------------------------------------


def test_models_behind__alias_auto_and_a_models_own_name__are_resolved() -> None:
    snapshot = make_snapshot(aliases={"fast": ["small"], "none": []})
    found = {name: models_behind(name, snapshot) for name in ("fast", "none", "auto", "x")}
    assert found == {"fast": ("small",), "none": (), "auto": ("large", "small"), "x": ("x",)}


@pytest.mark.parametrize(
    ("chain", "leads_to"),
    [
        ({"a": ("active", "b")}, "a"),
        ({"a": ("retired", "")}, "a"),
        ({"a": ("retired", "gone")}, "a"),
        ({"a": ("retired", "b"), "b": ("active", "")}, "b"),
        ({"a": ("retired", "b"), "b": ("deprecated", "c"), "c": ("active", "")}, "b"),
        ({"a": ("retired", "b"), "b": ("retired", "c"), "c": ("active", "")}, "c"),
        ({"a": ("retired", "b"), "b": ("retired", "gone")}, "b"),
        ({"a": ("retired", "b"), "b": ("retired", "a")}, "b"),
        ({"a": ("retired", "a")}, "a"),
        ({}, "a"),
    ],
)
def test_successor__of_a_retired_model__is_followed_to_its_end(
    chain: dict[str, tuple[str, str]], leads_to: str
) -> None:
    models = {n: model_record(lifecycle=state, successor=to) for n, (state, to) in chain.items()}
    snapshot = make_snapshot({"models": models, "deployments": []})
    assert successor_of("a", snapshot) == leads_to


# --- providers in trouble ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("health", "down", "degraded"),
    [
        ({}, (), ()),
        ({"a1": {"ejected_until_ms": NOW}}, (), ()),
        ({"a1": {"ejected_until_ms": NOW + 1}}, (), ("a",)),
        (
            {"a1": {"ejected_until_ms": NOW + 1}, "credentials_down": {"k2": NOW + 1}},
            ("a",),
            ("a",),
        ),
        ({"credentials_down": {"k2": NOW + 1, "": NOW}}, (), ("a",)),
        ({"credentials_down": {"k2": NOW}}, (), ()),
        ({"b1": {"ejected_until_ms": NOW + 1}}, ("b",), ("b",)),
        # A deployment that is switched off neither serves nor suffers.
        ({"a3": {"ejected_until_ms": NOW + 1}}, (), ()),
        (
            {"b1": {"ejected_until_ms": NOW + 1}, "a1": {"ejected_until_ms": NOW + 1}},
            ("b",),
            ("a", "b"),
        ),
    ],
)
def test_providers__by_the_health_of_their_deployments__are_down_or_degraded(
    health: dict[str, Any], down: tuple[str, ...], degraded: tuple[str, ...]
) -> None:
    pool = [
        deployment_record("b1", "large", provider="b"),
        deployment_record("a1", provider="a", credential="k1"),
        deployment_record("a2", "large", provider="a", credential="k2"),
        deployment_record("a3", provider="a", is_enabled=False),
        deployment_record("c1", provider="c", is_enabled=False),
    ]
    snapshot = make_snapshot({"deployments": pool})
    assert providers_in_trouble(snapshot, make_health(**health), NOW) == (down, degraded)
