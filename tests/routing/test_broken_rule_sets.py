"""Broken rule sets: publish refuses each kind, names rule and field, and the live release stays."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from django.utils.translation import override

from apps.audit.types import SYSTEM
from apps.core.errors import InvalidRequest
from apps.core.scoping import all_tenants
from apps.routing import route_manager
from apps.routing.models import Release
from apps.routing.snapshot import build_records
from tests.factories.routing import Site, clause, make_rule, make_site

pytestmark = pytest.mark.django_db
RULE = "Broken"
DAY_MS = 86_400_000
type Records = dict[str, Any]
type Break = Callable[[Records], None]


def rule(**changes: Any) -> Break:
    """Change the rule."""

    def apply(records: Records) -> None:
        records["rules"][0].update(changes)

    return apply


def when(*clauses: Any, kind: str = "all") -> Break:
    return rule(condition={kind: list(clauses)})


def arms(*items: tuple[str, int, list[str]]) -> Break:
    return rule(arms=[{"name": n, "weight": w, "targets": t} for n, w, t in items])


def targets(*weights: int) -> Break:
    names = ("sim-small", "sim-large")
    pairs = zip(names, weights, strict=False)
    return rule(strategy="weighted", targets=[{"model": n, "weight": w} for n, w in pairs])


def second(**changes: Any) -> Break:
    """Make the rule the first of two."""

    def apply(records: Records) -> None:
        first = {**records["rules"][0], "name": "First", "id": "first", **changes}
        records["rules"][0].update(changes)
        records["rules"].insert(0, first)

    return apply


def nested(levels: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"all": []}
    for _level in range(levels - 1):
        tree = {"all": [tree]}
    return tree


# Name of the kind, what breaks the draft, the field, words of the message.
TOLD_OF_CONDITIONS: list[tuple[str, Break, str]] = [
    ("unknown field", when(clause("mood", "is", "x")), "all.0.field: there is no field “mood”"),
    ("operator that does not fit", when(clause("tag", "at_most", 1)), "does not fit"),
    ("unknown choice", when(clause("weekday", "is", "someday")), "“someday” is none of"),
    ("group without its shape", rule(condition={"all": {}}), "a group holds one of"),
    ("unknown group", when(kind="some"), "“some” is not all, any or none"),
    ("groups too deep", rule(condition=nested(4)), "deeper than 3"),
    ("too many clauses", when(*[clause("door", "is", "chat")] * 201), "more than 200 clauses"),
    ("too many values", when(clause("user", "is", ["u"] * 501)), "more than 500 values"),
    ("no value", when(clause("user", "is", [])), "give a value"),
    ("text expected", when(clause("user", "is", 3)), "“3” is not a text"),
    ("number expected", when(clause("prompt_tokens", "at_most", "many")), "not a number"),
    ("time", when(clause("time_of_day", "between", ["08:00", "25:00"])), "“25:00” is not a time"),
    ("date", when(clause("date", "from", "2026-02-30")), "“2026-02-30” is not a date"),
    ("one bound of two", when(clause("prompt_tokens", "between", [5])), "give 2 value(s)"),
    ("reversed range", when(clause("prompt_tokens", "between", [9, 5])), "smaller value first"),
    ("flag", when(clause("in_conversation", "is", "yes")), "yes or no"),
    ("percentage", when(clause("share_of_users", "within_first", 120)), "up to 100"),
    ("pattern", when(clause("message_text", "matches", "(a")), "not valid (RE2): missing )"),
    ("look-ahead", when(clause("message_text", "matches", "a(?=b)")), "not valid (RE2)"),
    ("unknown calendar", when(clause("holiday", "is_in", "mars")), "no holiday calendar “mars”"),
    ("secret header", when(clause("header.Authorization", "is", "x")), "may not read this header"),
    ("empty any", when(kind="any"), "no request can meet this"),
    (
        "bounds that exclude each other",
        when(clause("prompt_tokens", "at_least", 9), clause("prompt_tokens", "less_than", 9)),
        "all.1: no request can meet this: prompt_tokens",
    ),
]
TOLD_OF_RULES: list[tuple[str, Break, str, str]] = [
    ("reject without a message", rule(action="reject"), "reject_message", "Tell the caller why"),
    (
        "default with a condition",
        rule(is_default=True, condition={"all": [clause("tag", "has", "x")]}),
        "is_default",
        "has no condition",
    ),
    ("two defaults", second(is_default=True), "is_default", "“First” is the pinned default"),
    (
        "schedule that ends before it starts",
        rule(active_from_ms=DAY_MS, active_until_ms=DAY_MS),
        "active_until",
        "after its start",
    ),
    (
        "target without grant",
        rule(targets=[{"model": "gpt-5", "weight": 1}]),
        "targets",
        "no grant and no deployment of “gpt-5”",
    ),
    (
        "target that is no model",
        rule(targets=[{"model": "gpt-99", "weight": 1}]),
        "targets",
        "no model “gpt-99” in the catalogue",
    ),
    ("weights of nothing", targets(0, 0), "targets", "All weights are 0"),
    ("negative weight", targets(1, -1), "targets", "cannot be negative"),
    ("arm of no model", arms(("a", 10, ["gpt-99"])), "arms", "no model “gpt-99”"),
    ("empty arm", arms(("a", 10, [])), "arms", "The arm “a” has no model"),
    ("arm without a name", arms((" ", 10, ["sim-small"])), "arms", "Give each arm a name"),
    (
        "arms of one name",
        arms(("a", 10, ["sim-small"]), ("a", 10, ["sim-large"])),
        "arms",
        "same name",
    ),
    (
        "arms over 100 percent",
        arms(("a", 60, ["sim-small"]), ("b", 50, ["sim-large"])),
        "arms",
        "more than 100 percent",
    ),
    ("arms of no weight", arms(("a", 0, ["sim-small"])), "arms", "the weight 0"),
    ("negative arm", arms(("a", -5, ["sim-small"])), "arms", "cannot be negative"),
    ("arms without their shape", rule(arms=[{"name": "a"}]), "arms", "Give each arm"),
    ("unknown parameter", rule(parameters={"top_k": 3}), "parameters", "no parameter “top_k”"),
    (
        "parameter out of range",
        rule(parameters={"temperature": 2.1}),
        "parameters",
        "temperature must be a number from 0 to 2",
    ),
    ("seed", rule(parameters={"seed": 1.5}), "parameters", "seed must be a whole number"),
    (
        "reasoning effort",
        rule(parameters={"reasoning_effort": "huge"}),
        "parameters",
        "reasoning_effort is one of",
    ),
    ("attempts", rule(max_attempts=6), "max_attempts", "Give 1 to 5 attempts"),
    (
        "first token after the end",
        rule(first_token_timeout_ms=9_000, total_timeout_ms=8_000),
        "first_token_timeout_ms",
        "longer than the wait for the whole answer",
    ),
    ("timeout of nothing", rule(total_timeout_ms=0), "total_timeout_ms", "milliseconds"),
    ("latency cap of nothing", rule(latency_cap_ms=0), "latency_cap_ms", "milliseconds"),
    ("price cap of nothing", rule(price_cap=0), "price_cap", "must be above 0"),
    ("price weight", rule(price_weight=101), "price_weight", "from 0 (speed) to 100"),
    ("region of nobody", rule(regions=["moon"]), "regions", "in the region “moon”"),
    ("data class of nobody", rule(data_class="secret"), "data_class", "data class “secret”"),
    ("prompt without a version", rule(prompt_template="gone"), "prompt_template", "“gone”"),
    ("tag", rule(add_tags=["a, b"]), "add_tags", "“a, b” is no tag"),
]
BROKEN = [
    *((kind, how, "conditions", words) for kind, how, words in TOLD_OF_CONDITIONS),
    *TOLD_OF_RULES,
]


@pytest.fixture
def site() -> Site:
    return make_site()


def refusal(
    monkeypatch: pytest.MonkeyPatch, site: Site, how: Break, *, is_platform: bool = False
) -> InvalidRequest:
    """Publish a sound draft, then break it: return the refusal after looking at what is live."""
    tenant_id = None if is_platform else site.tenant_id
    make_rule(None if is_platform else site.tenant, name=RULE, targets=["sim-small"])
    with all_tenants("tests"):
        sound = route_manager.publish(tenant_id=tenant_id, actor=SYSTEM)
        before = _live(tenant_id)
        broken = deepcopy(build_records(tenant_id))
        how(broken)
        monkeypatch.setattr(route_manager, "build_records", lambda _owner: broken)
        with pytest.raises(InvalidRequest) as refused:
            route_manager.publish(tenant_id=tenant_id, actor=SYSTEM)
        after = _live(tenant_id)
    assert (after.version, after.snapshot) == (before.version, before.snapshot)
    assert after.version == sound.version
    return refused.value


@pytest.mark.parametrize(
    ("how", "field", "words"),
    [pytest.param(*case[1:], id=case[0]) for case in BROKEN],
)
def test_publish__broken_rule__is_refused_naming_rule_and_field_and_the_live_one_stays(
    monkeypatch: pytest.MonkeyPatch, site: Site, how: Break, field: str, words: str
) -> None:
    error = refusal(monkeypatch, site, how)
    told = [(subject, where) for subject, where, text in error.details["problems"] if words in text]
    assert told == [(RULE, field)], error.details["problems"]
    assert f"{RULE}, " in error.message
    assert words in error.message
    assert error.param is not None


@pytest.mark.parametrize(
    ("aliases", "field", "words"),
    [
        ({"fast": []}, "targets", "no model behind it"),
        ({"fast": ["gpt-5"]}, "targets", "no grant and no deployment of “gpt-5”"),
        ({"sim-large": ["sim-small"]}, "name", "A model of the catalogue has this name"),
    ],
)
def test_publish__broken_alias__is_refused_naming_it(
    monkeypatch: pytest.MonkeyPatch,
    site: Site,
    aliases: dict[str, Any],
    field: str,
    words: str,
) -> None:
    error = refusal(monkeypatch, site, lambda records: records.update(aliases=aliases))
    ((subject, where, text),) = error.details["problems"]
    assert (subject, where) == (next(iter(aliases)), field)
    assert words in text


@pytest.mark.parametrize(
    ("links", "words"),
    [
        ({"sim-small": "gone"}, "The successor “gone” is not in the catalogue"),
        ({"sim-small": "sim-large", "sim-large": "sim-small"}, "sim-small → sim-large → sim-small"),
    ],
)
def test_publish__successors_that_lead_nowhere__are_refused_naming_the_model(
    monkeypatch: pytest.MonkeyPatch, site: Site, links: dict[str, str], words: str
) -> None:
    def link(records: Records) -> None:
        for name, follower in links.items():
            records["models"][name]["successor"] = follower

    error = refusal(monkeypatch, site, link, is_platform=True)
    told = {(s, field): text for s, field, text in error.details["problems"]}
    assert set(told) == {(name, "successor") for name in links}
    assert words in told["sim-small", "successor"]


def test_publish__broken_rule__is_told_in_portuguese_too(
    monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    with override("pt-br"):
        error = refusal(monkeypatch, site, rule(max_attempts=6))
    assert "Broken, máximo de tentativas: " in error.message
    assert "tentativas, ou deixe em branco" in error.message


def test_kinds__of_broken_rule_sets__are_well_over_twenty() -> None:
    kinds = [case[0] for case in BROKEN]
    assert len(kinds) == len(set(kinds))
    assert len(kinds) > 50


def _live(tenant_id: Any) -> Release:
    release = route_manager.live_release(tenant_id)
    assert release is not None
    return release
