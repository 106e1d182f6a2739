"""Random rules, sites and requests over every field and operator, from one source of luck."""

from collections.abc import Sequence
from random import Random
from typing import Any

from apps.routing.backtest.sources import named_field
from apps.routing.engine.compile import compile_snapshot
from apps.routing.engine.compile_conditions import Calendars
from apps.routing.engine.fields import FIELDS, NEEDS, WEEKDAYS
from apps.routing.engine.hashing import pattern_id
from apps.routing.engine.types import LocalTime, RequestFacts, Snapshot
from tests.engine.records import (
    NOW,
    Records,
    deployment_record,
    model_record,
    platform_records,
    rule_record,
    tenant_records,
)

NAMES = (*FIELDS, "metadata.plan", "metadata.Größe", "header.X-Team")
MODELS = ("m0", "m1", "m2", "m3", "m4")
ANY_MODEL = (*MODELS, "gone")
VECTORS = "vectors"
REQUESTED = ("", "auto", "fast", *MODELS, "gone", "M1", VECTORS)
WORDS = ("vip", "VIP", "bulk", "Straße", "STRASSE", "eu-vip", "support", "acme", "m1", "fast")
TEXTS = ("refund", "Refund", "urgent", r"\d{16}")
DATES = ("2026-12-24", "2026-12-25", "2027-01-01", "2027-02-28")
CALENDARS: Calendars = {"xmas": DATES[:2], "new-year": DATES[2:3], "none": ()}
REGIONS = ("", "eu", "us", "br")
DATA_CLASSES = ("public", "personal", "secret")
# Nearly everybody, so that at times nobody else is left.
TRIED = tuple(f"d{number}" for number in range(1, 15))
PATTERNS = tuple(
    pattern_id(operator, text) for operator in ("contains", "matches") for text in TEXTS
)
EFFECTS: Sequence[Records] = (
    *({},) * 12,
    *({"allow_unknown": True}, {"max_output_tokens": 300}, {"regions": ["eu", "us"]}),
    *({"regions": ["br", "eu"]}, {"data_class": "personal"}, {"price_cap": 20_000_000}),
    *({"max_attempts": 1}, {"latency_cap_ms": 5}, {"first_token_timeout_ms": 900}),
)


def random_value(rng: Random, name: str, operator: str) -> Any:
    """Return a value that the operator of a field accepts."""
    kind = named_field(name).kind
    if kind == "number":
        numbers = sorted(rng.choice((0, 1, 0.7, 100, 256.5, 1_000, 10**18)) for _ in range(2))
        return numbers if operator == "between" else numbers[0]
    if kind == "time":
        return [f"{rng.randrange(24):02}:{rng.randrange(60):02}" for _ in range(2)]
    if kind == "date":
        days = sorted(rng.choice(DATES) for _ in range(2))
        return days if operator == "between" else days[0]
    if kind == "flag":
        return rng.random() < 0.5
    if kind == "share":
        return rng.choice((0.5, 10, 33.3, 50, 100))
    pools = {"weekday": WEEKDAYS, "needs": NEEDS, "holiday": tuple(CALENDARS)}
    pools |= {"message_text": TEXTS, "date": DATES}
    pool = pools.get(name, WORDS)
    return rng.sample(pool, rng.randint(1, 3)) if rng.random() < 0.5 else rng.choice(pool)


def random_clause(rng: Random, name: str = "", operator: str = "") -> Records:
    """Return a clause, on this field and with this operator where they are given."""
    name = name or rng.choice(NAMES)
    operator = operator or rng.choice(sorted(named_field(name).operators))
    return {"field": name, "operator": operator, "value": random_value(rng, name, operator)}


def random_tree(rng: Random, depth: int = 3) -> Records:
    members = [
        random_tree(rng, depth - 1) if depth > 1 and rng.random() < 0.4 else random_clause(rng)
        for _ in range(rng.randint(0, 3))
    ]
    return {rng.choice(("all", "any", "none")): members}


def random_rule(rng: Random, id_: str) -> Records:
    """Return a rule of any scope, action and strategy."""
    scope = rng.choice(("key", "project", "tenant", "tenant", "global"))
    is_bare = rng.random() < 0.3
    return rule_record(
        id_,
        scope=scope,
        condition=_condition(rng),
        key=rng.choice(("key-1", "key-2")) if scope == "key" else "",
        project=rng.choice(("support", "sales")) if scope == "project" else "",
        is_locked=scope == "global" and rng.random() < 0.5,
        is_default=rng.random() < 0.1,
        active_from_ms=rng.choice((None, None, NOW - 5, NOW + 5)),
        active_until_ms=rng.choice((None, None, NOW - 5, NOW + 5)),
        action=rng.choice((*("route",) * 6, "continue", "continue", "reject")),
        add_tags=rng.sample(WORDS, rng.randint(0, 2)),
        targets=[] if is_bare else _targets(rng),
        strategy=rng.choice(("priority", "weighted", "adaptive", "cheapest")),
        price_weight=rng.choice((0, 50, 70, 100)),
        affinity=rng.choice(("", "", "conversation", "prefix")),
        arms=_arms(rng) if rng.random() < 0.15 else [],
        unit=rng.choice(("request", "conversation", "user")),
        **rng.choice(EFFECTS),
    )


def _condition(rng: Random) -> Records:
    """Most rules hold for few requests: else the first ones would decide everything."""
    if rng.random() < 0.1:
        return random_tree(rng)
    return {"all": [random_clause(rng), random_tree(rng, 2), random_clause(rng)]}


def _targets(rng: Random) -> list[Records]:
    names = [rng.choice(ANY_MODEL) for _ in range(rng.randint(1, 4))]
    return [{"model": name, "weight": rng.choice((0, 1, 3, 10))} for name in names]


def _needs(rng: Random) -> tuple[str, ...]:
    """Return nothing, now and then two needs, or what an embedding asks for."""
    draw = rng.random()
    if draw < 0.1:
        return ("embeddings",)
    return tuple(sorted(rng.sample(NEEDS, rng.randint(0, 2)))) if draw < 0.5 else ()


def _arms(rng: Random) -> list[Records]:
    return [
        {
            "name": name,
            "weight": rng.choice((1, 2, 7)),
            "targets": rng.sample(ANY_MODEL, rng.randint(1, 2)),
        }
        for name in ("control", "trial")
    ]


def random_snapshot(rng: Random, rules: Sequence[Records]) -> Snapshot:
    """Return a small site with these rules."""
    models = {name: _model(rng) for name in MODELS}
    models[VECTORS] = model_record(context_window=300, capabilities={"embeddings": "yes"})
    deployments = [_deployment(rng, f"d{n}", ANY_MODEL[n % 6]) for n in range(15)]
    # More than the balancer compares with each other, and alike, so that luck decides.
    crowd = [deployment_record(f"c{n}", "m0", input_price=n % 3) for n in range(10)]
    makers = [deployment_record(f"v{n}", VECTORS, region=REGIONS[n]) for n in range(2)]
    platform = platform_records(
        models=models,
        deployments=[*deployments, *makers, *(crowd if rng.random() < 0.3 else ())],
        rules=[rule for rule in rules if rule["scope"] == "global"],
        calendars={name: list(dates) for name, dates in CALENDARS.items()},
    )
    tenant = tenant_records(
        rules=[rule for rule in rules if rule["scope"] != "global"],
        aliases={"fast": rng.sample(ANY_MODEL, rng.randint(0, 3))},
        granted=list(dict.fromkeys((*rng.sample(MODELS, 4), "m0", VECTORS))),
    )
    return compile_snapshot(platform, tenant)


def _model(rng: Random) -> Records:
    return model_record(
        # Full to the last token with some of the prompts below.
        context_window=rng.choice((700, 100_000, 200_000)),
        max_output_tokens=rng.choice((200, 4_000, 64_000)),
        lifecycle=rng.choice(("active", "active", "active", "deprecated", "retired")),
        successor=rng.choice(("", "m0", "m1", "gone")),
        traffic=rng.choice(("on", "on", "on", "drain", "off")),
        capabilities={
            need: rng.choice(("yes", "yes", "yes", "unknown", "no")) for need in NEEDS[:5]
        },
    )


def _deployment(rng: Random, id_: str, model: str) -> Records:
    return deployment_record(
        id_,
        model,
        region=rng.choice(REGIONS),
        traffic=rng.choice(("on", "on", "on", "on", "drain", "off")),
        data_classes=rng.sample(DATA_CLASSES, rng.randint(0, 3)),
        provider=rng.choice(("acme-ai", "vip", "bulk")),
        tokens_per_minute=rng.choice((None, None, 2_000)),
        input_price=rng.choice((0, 1_000_000, 3_000_000, 30_000_000)),
        output_price=rng.choice((0, 2_000_000, 15_000_000)),
        cache_write_price=rng.choice((0, 4_000_000)),
        cached_input_price=rng.choice((0, 100_000)),
    )


def random_facts(rng: Random, number: int) -> RequestFacts:
    """Return a request of which any fact may be missing."""

    def some(pool: Sequence[str], most: int) -> tuple[str, ...]:
        return tuple(rng.sample(pool, rng.randint(0, most))) if rng.random() < 0.5 else ()

    def maybe(value: Any) -> Any:
        return value if rng.random() < 0.7 else None

    day = rng.randrange(len(DATES))
    return RequestFacts(
        request_id=f"req-{number}-{rng.randrange(1_000_000)}",
        tenant=rng.choice(("acme", "Straße")),
        project=rng.choice(("support", "sales", "Support")),
        key_id=rng.choice(("key-1", "key-2", "acme")),
        key_tags=some(WORDS, 2),
        door=rng.choice(("chat", "acme", "")),
        requested_model=rng.choice(REQUESTED),
        tags=some(WORDS, 2),
        prompt_tokens=rng.choice((0, 1, 100, 256, 257, 700, 5_000, 90_000)),
        max_output_tokens=maybe(rng.choice((0, 1, 100, 150, 3_000, 50_000))),
        needs=_needs(rng),
        allowed_models=some(REQUESTED[1:], 3) if rng.random() < 0.2 else (),
        now_ms=NOW + rng.choice((-6, -5, 0, 4, 5)),
        arrived_ms=rng.choice((0, NOW - 9_000, NOW - 5_003, NOW - 4_000, NOW + 900)),
        dialect=rng.choice(("", "acme", "fast")),
        user=rng.choice(("", "vip", "Ana", "Bea", "ação")),
        metadata={"plan": rng.choice(WORDS), "Größe": rng.choice(WORDS)}
        if rng.random() < 0.6
        else {},
        headers={"x-team": rng.choice(WORDS)} if rng.random() < 0.6 else {},
        temperature=maybe(rng.choice((0, 0.7, 1, 1.5))),
        language=rng.choice(("", "acme", "fast")),
        patterns={id_: rng.random() < 0.3 for id_ in PATTERNS if rng.random() < 0.8},
        message_length=maybe(rng.choice((0, 99, 100, 101))),
        local_time=maybe(LocalTime(DATES[day], rng.randrange(1_440), day)),
        budget_left=rng.choice((None, None, None, 0, 2_000, 10**12)),
        budget_left_percent=maybe(rng.choice((0.0, 0.7, 100.0))),
        allowed_regions=rng.choice(((), (), (), (), (), ("eu",), ("us", "br"))),
        data_class=rng.choice(("", "", "", "", "personal")),
        prompt_template=rng.choice(("", "support")),
        conversation=rng.choice(("", "conv-1", "conv-2", "vip")),
        prefix=rng.choice(("", "p1", "p2")),
        prefix_tokens=rng.choice((0, 90, 4_000)),
        is_continued=rng.random() < 0.5,
        added_tokens=rng.choice((0, 0, 50)),
        tried_deployments=rng.choice(((), (), (), ("d1",), ("d0", "d2", "d3"), TRIED)),
        excluded_deployments=rng.choice(((), (), (), ("d4",), ("d1", "d5"))),
        providers_down=maybe(some(WORDS, 2)),
        providers_degraded=maybe(some(WORDS, 2)),
    )
