"""Random but valid cases of everything that `decide` takes: records, facts, health and a seed.

They need a source of chance only, so that hypothesis, and a bare interpreter too, can make them.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

from apps.routing.engine.compile import compile_snapshot
from apps.routing.engine.fields import FIELDS, HEADER, METADATA, field_named
from apps.routing.engine.hashing import pattern_id
from apps.routing.engine.request_router import decide
from apps.routing.engine.types import (
    Decision,
    DeploymentHealth,
    Health,
    LocalTime,
    RequestFacts,
    RetryBudget,
    Snapshot,
)
from tests.engine.records import (
    NOW,
    Records,
    deployment_record,
    make_facts,
    model_record,
    platform_records,
    rule_record,
    tenant_records,
)

MODELS = ("m0", "m1", "m2", "m3")
DEPLOYMENTS = tuple(f"d{number}" for number in range(12))
NAMES = ("", "auto", "fast", *MODELS, "gone")
CAPABILITIES = ("tools", "vision", "audio")
WORDS = ("vip", "bulk", "chat", "key-1", "ana", "gold", "support", "acme", *NAMES[1:])
REGIONS = ("", "eu", "us")
DATA_CLASSES = ("personal", "health")
PROVIDERS = ("p0", "p1", "p2")
CREDENTIALS = ("", "k0", "k1")
TEXTS = ("refund", "invoice")
CALENDARS = {"br": ["2026-12-25", "2026-01-01"], "none": []}
DATES = ("2026-01-01", "2026-06-15", "2026-12-25")
FIELD_NAMES = (*sorted(FIELDS), f"{METADATA}plan", f"{HEADER}x-team")
MOMENTS = (0, NOW - 1, NOW, NOW + 1, NOW + 900, NOW + 60_000)


class Case(NamedTuple):
    """One call of `decide`, its snapshot not yet compiled."""

    platform: Records
    tenant: Records
    facts: RequestFacts
    health: Health
    seed: str

    def snapshot(self) -> Snapshot:
        return compile_snapshot(self.platform, self.tenant)

    def decide(self) -> Decision:
        return decide(self.facts, self.snapshot(), self.health, self.seed)


def case_of(number: int) -> Case:
    """Return the case with this number, always the same."""
    return random_case(Random(number))


def random_case(chance: Random) -> Case:
    """Return a case in which anything may happen."""
    platform, tenant = random_records(chance)
    return Case(
        platform, tenant, random_facts(chance), random_health(chance), f"s{chance.randrange(999)}"
    )


def random_records(chance: Random) -> tuple[Records, Records]:
    pool = [_deployment(chance, id_) for id_ in DEPLOYMENTS]
    own = chance.randint(0, len(pool))
    platform = platform_records(
        models={name: _model(chance) for name in MODELS},
        deployments=pool[own:],
        rules=_rules(chance, "global"),
        calendars=CALENDARS,
    )
    tenant = tenant_records(
        rules=[rule for scope in ("tenant", "project", "key") for rule in _rules(chance, scope)],
        aliases={
            name: _some(chance, (*MODELS, "gone"), 4) for name in _some(chance, NAMES[1:3], 2)
        },
        granted=_some(chance, MODELS, 4) if _rare(chance) else list(MODELS),
        deployments=pool[:own],
        prices={name: {"input_price": _price(chance)} for name in _some(chance, MODELS, 1)},
    )
    return platform, tenant


def random_facts(chance: Random) -> RequestFacts:
    values: Records = {
        "request_id": f"req_{chance.randrange(99)}",
        "project": chance.choice(("support", "sales")),
        "key_id": chance.choice(("key-1", "key-2")),
        "key_tags": tuple(_some(chance, WORDS, 2)),
        "door": chance.choice(("chat", "messages")),
        "requested_model": chance.choice((*NAMES, *("", "auto") * 4)),
        "tags": tuple(_some(chance, WORDS, 3)),
        "prompt_tokens": chance.choice((0, 1, 400, 900, 1_000, 30_000)),
        "max_output_tokens": chance.choice((None, 0, 1, 400, 500, 5_000)),
        "choices": chance.choice((2, 8)) if _rare(chance) else 1,
        "needs": tuple(_some(chance, CAPABILITIES, 2)) if _rare(chance) else (),
        "allowed_models": tuple(_some(chance, NAMES[1:], 3)) if _rare(chance) else (),
        "dialect": chance.choice(("", "openai")),
        "user": chance.choice(("", "ana", "bob")),
        "metadata": {"plan": chance.choice(WORDS)} if _rare(chance) else {},
        "headers": {"x-team": chance.choice(WORDS)} if _rare(chance) else {},
        "temperature": chance.choice((None, 0.0, 0.7)),
        "language": chance.choice(("", "pt", "en")),
        "patterns": {
            pattern_id("contains", text): chance.random() < 0.5 for text in _some(chance, TEXTS, 2)
        },
        "message_length": chance.choice((None, 0, 100)),
        "local_time": chance.choice(
            (None, LocalTime(chance.choice(DATES), chance.randrange(1440), 2))
        ),
        "budget_left": chance.choice((*[None] * 9, 0, 2_000, 10**9)),
        "budget_left_percent": chance.choice((None, 0.0, 55.5)),
        "allowed_regions": tuple(_some(chance, REGIONS[1:], 2)) if _rare(chance) else (),
        "data_class": chance.choice(DATA_CLASSES) if _rare(chance) else "",
        "conversation": chance.choice(("", "c1", "c2")),
        "is_continued": chance.random() < 0.5,
        "prefix": chance.choice(("", "x1")),
        "prefix_tokens": chance.choice((0, 500)),
        "added_tokens": chance.choice((0, 0, 700)),
        "tried_deployments": tuple(_some(chance, DEPLOYMENTS, 3)) if _rare(chance) else (),
        "excluded_deployments": tuple(_some(chance, DEPLOYMENTS, 3)) if _rare(chance) else (),
    }
    return make_facts(**values)


def random_health(chance: Random) -> Health:
    return Health(
        {id_: _state(chance) for id_ in _some(chance, DEPLOYMENTS, 8)},
        {
            name: RetryBudget(chance.choice((0.0, 0.9, 5.0)), NOW - chance.choice((0, 400)))
            for name in _some(chance, PROVIDERS, 2)
        },
        {name: chance.choice(MOMENTS) for name in _some(chance, CREDENTIALS[1:], 1)},
    )


def _state(chance: Random) -> DeploymentHealth:
    return DeploymentHealth(
        ttft_ms=chance.choice((80.0, 500.0, 501.5, 9_000.0)),
        ms_per_token=chance.choice((5.0, 15.0)),
        error_rate=chance.choice((0.0, 0.1, 1.0)),
        mean_output_tokens=chance.choice((250.0, 40.5)),
        seen_ms=chance.choice((0, NOW - 30_000, NOW)),
        in_flight=chance.choice((0, 0, 7)),
        waiting=chance.choice(({}, {"call": NOW - 2_000})),
        failures=chance.randint(0, 5),
        retry_after_ms=chance.choice((0, 0, 0, *MOMENTS)),
        ejected_until_ms=chance.choice((0, 0, 0, *MOMENTS)),
        probation=chance.choice((0, 0, 2)),
        token_level=chance.choice((None, 0.0, 800.0)),
        token_level_ms=NOW - 500,
    )


def _model(chance: Random) -> Records:
    return model_record(
        context_window=chance.choice((1_000, 1_500, 100_000, 100_000, 100_000)),
        max_output_tokens=chance.choice((500, 8_000, 8_000)),
        lifecycle=chance.choice((*["active"] * 5, "deprecated", "retired")),
        capabilities={
            name: chance.choice(("yes", "yes", "yes", "no", "unknown"))
            for name in CAPABILITIES
            if chance.random() < 0.9
        },
        traffic=chance.choice((*["on"] * 9, "drain", "off")),
        successor=chance.choice(("", "gone", *MODELS)),
    )


def _deployment(chance: Random, id_: str) -> Records:
    return deployment_record(
        id_,
        chance.choice((*MODELS * 3, "gone")),
        provider=chance.choice(PROVIDERS),
        region=chance.choice(REGIONS),
        traffic=chance.choice((*["on"] * 9, "drain", "off")),
        data_classes=_some(chance, DATA_CLASSES, 2),
        credential=chance.choice(CREDENTIALS),
        input_price=_price(chance),
        output_price=_price(chance),
        cached_input_price=_price(chance),
        cache_write_price=_price(chance),
        tokens_per_minute=chance.choice((None, None, 60_000)),
    )


def _rules(chance: Random, scope: str) -> list[Records]:
    count = 60 if chance.random() < 0.01 else chance.randint(0, 3)
    return [_rule(chance, f"{scope}-{number}", scope) for number in range(count)]


def _rule(chance: Random, id_: str, scope: str) -> Records:
    return rule_record(
        id_,
        scope=scope,
        key=chance.choice(("key-1", "key-2")) if scope == "key" else "",
        project=chance.choice(("support", "sales")) if scope == "project" else "",
        is_locked=scope == "global" and _rare(chance),
        is_default=_rare(chance),
        active_from_ms=chance.choice((None, None, NOW, NOW + 1)),
        active_until_ms=chance.choice((None, None, NOW, NOW + 1)),
        condition={} if _rare(chance) else random_tree(chance),
        action=chance.choice((*["route"] * 6, *["continue"] * 4, "reject")),
        targets=[
            chance.choice((name, {"model": name, "weight": chance.choice((0, 1, 5))}))
            for name in _some(chance, (*MODELS, *MODELS, "gone"), 5)
        ],
        strategy=chance.choice(("priority", "weighted", "adaptive", "cheapest")),
        price_weight=chance.choice((0, 50, 100)),
        affinity=chance.choice(("", "conversation", "prefix")),
        arms=_arms(chance) if _rare(chance) else [],
        unit=chance.choice(("request", "conversation", "user")),
        **(_effects(chance) if chance.random() < 0.5 else {}),
    )


def _arms(chance: Random) -> list[Records]:
    return [
        {"name": f"arm{place}", "weight": place, "targets": _some(chance, MODELS, 2)}
        for place in range(1, 4)
    ]


def _effects(chance: Random) -> Records:
    return {
        "prompt_template": chance.choice(("", "tone")),
        "max_output_tokens": chance.choice((None, None, 0, 400)),
        "cache_seconds": chance.choice((0, 60)),
        "parameters": {name: chance.random() for name in _some(chance, ("top_p", "seed"), 2)},
        "add_tags": _some(chance, WORDS, 2),
        "regions": _some(chance, REGIONS[1:], 2) if _rare(chance) else [],
        "data_class": chance.choice(DATA_CLASSES) if _rare(chance) else "",
        "price_cap": chance.choice((None, None, None, 0, 3_000_000)),
        "latency_cap_ms": chance.choice((None, None, 501)),
        "allow_unknown": chance.random() < 0.5,
        "first_token_timeout_ms": chance.choice((None, 700)),
        "total_timeout_ms": chance.choice((None, 9_000)),
        "max_attempts": chance.choice((None, 1, 9)),
        "on_content_filter": chance.choice(("", "return", "next")),
        "on_unsupported": chance.choice(("", "drop", "refuse")),
    }


# --- conditions ----------------------------------------------------------------------------------


def random_tree(chance: Random, depth: int = 3) -> Records:
    """Return a tree of conditions with at most so many levels."""
    members = []
    for _ in range(chance.randint(0 if _rare(chance) else 1, 2)):
        is_group = depth > 1 and _rare(chance)
        members.append(random_tree(chance, depth - 1) if is_group else random_clause(chance))
    return {chance.choice(("all", "any", "none")): members}


def random_clause(chance: Random) -> Records:
    """Return a clause that compiles, on any field."""
    name = chance.choice(FIELD_NAMES)
    field = field_named(name)
    assert field is not None
    operator = chance.choice(sorted(field.operators))
    value = _VALUES[field.kind](chance, field.choices, operator)
    return {"field": name, "operator": operator, "value": value}


def _texts(chance: Random, choices: Sequence[str], _operator: str) -> Any:
    words = choices or WORDS
    return _some(chance, words, 2) or [chance.choice(words)]


def _numbers(chance: Random, _choices: Sequence[str], operator: str) -> Any:
    numbers = sorted(chance.choice((0, 0.7, 10, 500, 1_000, 30_000)) for _ in range(2))
    return numbers if operator == "between" else numbers[0]


def _times(chance: Random, _choices: Sequence[str], _operator: str) -> Any:
    return [f"{chance.randrange(24):02}:{chance.randrange(60):02}" for _ in range(2)]


def _dates(chance: Random, _choices: Sequence[str], operator: str) -> Any:
    dates = sorted(chance.choice(DATES) for _ in range(2))
    return dates if operator == "between" else dates[0]


_VALUES: dict[str, Callable[[Random, Sequence[str], str], Any]] = {
    "text": _texts,
    "choice": _texts,
    "set": _texts,
    "number": _numbers,
    "time": _times,
    "date": _dates,
    "calendar": lambda chance, _choices, _operator: _some(chance, sorted(CALENDARS), 2) or "br",
    "message": lambda chance, _choices, _operator: chance.choice(TEXTS),
    "flag": lambda chance, _choices, _operator: chance.random() < 0.5,
    "share": lambda chance, _choices, _operator: chance.choice((0.5, 30, 100)),
}


def _some[T](chance: Random, items: Sequence[T], most: int) -> list[T]:
    return chance.sample(list(items), chance.randint(0, min(most, len(items))))


def _rare(chance: Random) -> bool:
    return chance.random() < 0.15


def _price(chance: Random) -> int:
    return chance.choice((0, 1, 400_000, 3_000_000, 50_000_000))
