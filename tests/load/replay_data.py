"""A million requests and fifty rules of four clauses each, made up from a printed seed."""

from collections.abc import Sequence
from random import Random
from typing import Any

from apps.routing.engine.compile import compile_snapshot
from apps.routing.engine.types import LocalTime, Snapshot
from tests.engine.records import (
    NOW,
    Records,
    deployment_record,
    model_record,
    platform_records,
    rule_record,
    tenant_records,
)

RULES = 50
PROJECTS = ("support", "sales", "research", "operations", "marketing")
KEYS = tuple(f"key-{number}" for number in range(40))
USERS = tuple(f"user-{number}" for number in range(20_000))
MODELS = tuple(f"model-{number}" for number in range(10))
NAMES = ("", "auto", "fast", "smart", *MODELS[:4])
TAGS: Sequence[tuple[str, ...]] = ((), (), ("vip",), ("bulk",), ("vip", "eu"), ("night", "bulk"))
NEEDS: Sequence[tuple[str, ...]] = ((), ("streaming",), ("streaming", "tools"), ("vision",))
LANGUAGES = ("en", "en", "pt", "de", "")
PLANS = ("free", "team", "enterprise", None)
REGIONS = ("eu", "us")


def request_columns(rng: Random, count: int) -> dict[str, list[Any]]:
    """Return plain values, a list per column, as a log would hand them over."""
    minutes = [rng.randrange(7 * 1_440) for _ in range(count)]
    days = tuple(f"2026-11-{number:02}" for number in range(2, 9))
    return {
        "request_id": [f"{rng.getrandbits(128):032x}" for _ in range(count)],
        "tenant": ["acme"] * count,
        "project": rng.choices(PROJECTS, k=count),
        "key_id": rng.choices(KEYS, k=count),
        "key_tags": rng.choices((("production",), ("test",), ()), k=count),
        "door": rng.choices(("chat", "messages", "embeddings"), k=count),
        "requested_model": rng.choices(NAMES, k=count),
        "tags": rng.choices(TAGS, k=count),
        "prompt_tokens": [int(rng.lognormvariate(6, 1.3)) for _ in range(count)],
        "max_output_tokens": rng.choices((None, 256, 1_024, 4_096), k=count),
        "needs": rng.choices(NEEDS, k=count),
        "allowed_models": rng.choices(((), (), ("auto", "fast"), MODELS), k=count),
        "now_ms": [NOW + minute * 60_000 for minute in minutes],
        "user": rng.choices(USERS, k=count),
        "language": rng.choices(LANGUAGES, k=count),
        "metadata.plan": rng.choices(PLANS, k=count),
        "temperature": rng.choices((None, 0, 0.7, 1.0), k=count),
        "local_time": [LocalTime(days[m // 1_440], m % 1_440, m // 1_440) for m in minutes],
    }


def replay_snapshot(rng: Random) -> Snapshot:
    """Return a site of ten models, twenty deployments and fifty rules."""
    models = {name: model_record(capabilities=_capabilities(rng)) for name in MODELS}
    deployments = [
        deployment_record(
            f"d{number}",
            MODELS[number % len(MODELS)],
            region=REGIONS[number // len(MODELS)],
            input_price=rng.randrange(100_000, 5_000_000),
            output_price=rng.randrange(1_000_000, 20_000_000),
        )
        for number in range(2 * len(MODELS))
    ]
    tenant = tenant_records(
        rules=[_rule(rng, number) for number in range(RULES)],
        aliases={"fast": list(MODELS[:3]), "smart": list(MODELS[5:8])},
        granted=list(MODELS),
    )
    return compile_snapshot(platform_records(models=models, deployments=deployments), tenant)


def _capabilities(rng: Random) -> dict[str, str]:
    answers = ("yes", "yes", "yes", "no", "unknown")
    return {need: rng.choice(answers) for need in ("streaming", "tools", "vision")}


def _rule(rng: Random, number: int) -> Records:
    strategy = ("priority", "weighted", "adaptive", "cheapest")[number % 4]
    return rule_record(
        f"rule-{number}",
        condition={"all": [_clause(*clause) for clause in rng.sample(_clauses(rng), 4)]},
        strategy=strategy,
        targets=[{"model": name, "weight": 1} for name in rng.sample(MODELS, 3)],
        regions=["eu"] if number % 5 == 0 else [],
    )


def _clause(field: str, operator: str, value: Any) -> Records:
    return {"field": field, "operator": operator, "value": value}


def _clauses(rng: Random) -> list[tuple[str, str, Any]]:
    """Return one clause per field; four of them hold for some per cent of the requests."""
    return [
        ("project", "is", rng.sample(PROJECTS, 2)),
        ("api_key", "is", rng.sample(KEYS, 12)),
        ("tag", "has", rng.choice(("vip", "bulk", "production"))),
        ("requested_model", "starts_with", rng.choice(("model", "auto", "fast"))),
        ("prompt_tokens", "between", [rng.randrange(300), rng.randrange(400, 2_000)]),
        ("max_output_tokens", "at_most", rng.choice((300, 2_000))),
        ("needs", "has_not", rng.choice(("vision", "tools"))),
        ("user", "ends_with", [str(digit) for digit in rng.sample(range(10), 4)]),
        ("language", "is", rng.sample(("en", "pt", "de"), 2)),
        ("metadata.plan", "is_not", rng.choice(("free", "team"))),
        ("temperature", "less_than", 0.9),
        ("time_of_day", "between", ["08:00", "18:00"]),
        ("weekday", "is", ["mon", "tue", "wed"]),
        ("share_of_users", "within_first", rng.randrange(20, 60)),
    ]
