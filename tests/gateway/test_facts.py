"""Facts of a request: the plain ones always, the dear ones when some rule reads them."""

from collections.abc import Mapping
from typing import Any

import pytest

from apps.core.chat import ChatRequest, Message
from apps.core.tokens import estimate_body, estimate_messages
from apps.gateway import facts as module
from apps.gateway.facts import gather, local_time
from apps.gateway.language import detector
from apps.gateway.types import Ask, Run
from apps.routing.engine.hashing import pattern_id
from apps.routing.engine.types import LocalTime, RequestFacts
from apps.routing.message_search import MessageSearch
from apps.routing.snapshot_store import Pinned
from tests.engine.records import make_snapshot, rule_record
from tests.factories.keys import make_caller

NOON = 1_780_000_000_000
TURNS = (
    Message("system", "You help."),
    Message("user", "Hello"),
    Message("assistant", "Hi."),
    Message("user", "Quero cancelar meu pedido"),
)
READ_ALL: Mapping[str, Any] = {
    "metadata.plan": "gold",
    "header.x-team": "blue",
    "language": "pt",
    "message_text": "pedido",
    "weekday": "mon",
}


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "unix_ms", lambda: NOON)


def run_of(reads: Mapping[str, Any], *, affinity: str = "", **parts: Any) -> Run:
    """Return a run whose rules read these fields, in front of a request made of the parts."""
    rules = [
        rule_record(f"r{number}", condition={"all": [_clause(name, value)]}, affinity=affinity)
        for number, (name, value) in enumerate(reads.items() or {"tag": "x"}.items())
    ]
    fields: dict[str, Any] = {"model": "auto", "messages": TURNS, "dialect": "openai.chat"}
    chat = ChatRequest(**{**fields, **parts.pop("chat", {})})
    caller = make_caller(**parts.pop("caller", {}))
    pinned = Pinned(make_snapshot(rules=rules), {}, {})
    return Run(Ask(caller, chat, "openai.chat", **parts), pinned)


def _clause(name: str, value: Any) -> dict[str, Any]:
    operators = {"message_text": "contains", "tag": "has", "budget_left_percent": "less_than"}
    return {"field": name, "operator": operators.get(name, "is"), "value": value}


async def facts_of(reads: Mapping[str, Any], **parts: Any) -> RequestFacts:
    return await gather(run_of(reads, **parts))


async def test_plain_facts__of_any_request__are_gathered() -> None:
    chat = {
        "temperature": 0.5,
        "max_output_tokens": 7,
        "needs": frozenset({"tools", "audio"}),
        "user": "ana",
        "metadata": {"plan": "gold"},
    }
    caller = {"tags": ("vip",), "allowed_regions": ("eu",), "data_class": "secret"}
    run = run_of({}, chat=chat, caller=caller, tags=("faq",), prompt_template="tone")
    facts = await gather(run)
    assert (facts.door, facts.dialect, facts.requested_model) == ("openai.chat",) * 2 + ("auto",)
    assert (facts.temperature, facts.max_output_tokens) == (0.5, 7)
    assert facts.needs == ("audio", "tools")
    assert (facts.user, facts.metadata) == ("ana", {"plan": "gold"})
    assert (facts.key_tags, facts.tags) == (("vip",), ("faq",))
    assert (facts.allowed_regions, facts.data_class) == (("eu",), "secret")
    assert (facts.now_ms, facts.arrived_ms) == (NOON, run.started_ms)
    assert facts.prompt_tokens == estimate_messages("auto", TURNS)
    assert facts.message_length == sum(len(turn.text) for turn in TURNS)
    assert facts.prompt_template == "tone"


async def test_dear_facts__that_no_rule_reads__are_not_gathered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for owner, name in ((detector, "language_of"), (module, "budget_left_percent")):
        monkeypatch.setattr(owner, name, None)
    monkeypatch.setattr(MessageSearch, "look", None)
    facts = await facts_of({}, headers=[(b"x-team", b"blue")], caller={"monthly_budget": 5})
    assert (facts.headers, facts.patterns, facts.language) == ({}, {}, "")
    assert (facts.local_time, facts.budget_left_percent) == (None, None)
    assert (facts.prefix, facts.prefix_tokens) == ("", 0)


async def test_dear_facts__that_rules_read__are_gathered() -> None:
    facts = await facts_of(
        READ_ALL,
        headers=[(b"X-Team", b"blue")],
        caller={"tenant_time_zone": "America/Sao_Paulo"},
        affinity="prefix",
    )
    assert facts.headers == {"x-team": "blue"}
    assert facts.patterns == {pattern_id("contains", "pedido"): True}
    assert facts.language == "pt"
    assert facts.local_time == local_time(NOON, "America/Sao_Paulo")
    assert facts.prefix
    assert facts.prefix_tokens > 0


async def test_headers__named_by_rules__are_read_whatever_their_case() -> None:
    sent = [
        (b"x-team", b" blue "),
        (b"authorization", b"Bearer secret"),
        (b"x-other", b"no"),
        (b"X-TEAM", b"gr\xfcn"),
    ]
    reads = {"header.X-Team": "a", "header.authorization": "b", "header.x-absent": "c"}
    facts = await facts_of(reads, headers=sent)
    assert facts.headers == {"x-team": "blue, grün"}


async def test_header__of_any_length__is_cut() -> None:
    facts = await facts_of({"header.x": "a"}, headers=[(b"x", b"a\0" * 500)])
    assert facts.headers == {"x": "a" * 200}


@pytest.mark.parametrize(
    ("messages", "language"),
    [
        ((Message("system", "You are a helpful assistant of a shop."), TURNS[3]), "pt"),
        ((Message("user", "How do I reset my password?"), TURNS[3]), "pt"),
        ((Message("user", "How do I reset my password?"), Message("user", "ok")), "en"),
        ((Message("assistant", "How do I reset my password?"),), ""),
        ((), ""),
    ],
)
async def test_language__is_that_of_the_users_last_clear_words(
    messages: tuple[Message, ...], language: str
) -> None:
    assert (await facts_of({"language": "pt"}, chat={"messages": messages})).language == language


async def test_text__of_all_the_callers_messages__is_searched() -> None:
    reads = {"message_text": ["you help", "cancelar", "history"]}
    run = run_of(reads)
    run.prefix = (Message("user", "history").as_turn(),)
    found = (await gather(run)).patterns
    assert [id_ for id_, is_there in found.items() if is_there] == [
        pattern_id("contains", "you help"),
        pattern_id("contains", "cancelar"),
    ]


@pytest.mark.parametrize(
    ("now_ms", "zone", "shown"),
    [
        (0, "UTC", LocalTime("1970-01-01", 0, 3)),
        (0, "America/Sao_Paulo", LocalTime("1969-12-31", 21 * 60, 2)),
        (1_782_864_059_999, "Asia/Kolkata", LocalTime("2026-07-01", 5 * 60 + 30, 2)),
        # The clocks of Berlin go forward at 01:00 UTC.
        (1_774_745_999_000, "Europe/Berlin", LocalTime("2026-03-29", 119, 6)),
        (1_774_746_000_000, "Europe/Berlin", LocalTime("2026-03-29", 180, 6)),
    ],
)
def test_local_time__of_a_moment__is_what_a_clock_there_shows(
    now_ms: int, zone: str, shown: LocalTime
) -> None:
    assert local_time(now_ms, zone) == shown


async def test_prefix__of_a_chat_that_goes_on__stays_and_grows_in_tokens() -> None:
    first = await facts_of({}, affinity="prefix", chat={"messages": TURNS[:2]})
    run = run_of({}, affinity="prefix")
    run.ask = Ask(run.ask.caller, run.ask.chat, "openai.chat")
    later = await gather(run)
    assert first.prefix != later.prefix  # another tenant
    same = run_of({}, affinity="prefix", chat={"messages": TURNS[:2]})
    same.ask = Ask(run.ask.caller, same.ask.chat, "openai.chat")
    begun = await gather(same)
    assert begun.prefix == later.prefix
    assert begun.prefix_tokens == estimate_messages("auto", TURNS[:1]) - 3
    assert later.prefix_tokens == estimate_messages("auto", TURNS[:3]) - 3


@pytest.mark.parametrize(
    "changed",
    [
        (Message("system", "You help!"), *TURNS[1:]),
        (TURNS[0], Message("user", "Hello!"), *TURNS[2:]),
        (Message("user", "You help."), *TURNS[1:]),
    ],
)
async def test_prefix__of_another_beginning__is_another(changed: tuple[Message, ...]) -> None:
    run = run_of({}, affinity="conversation")
    other = run_of({}, affinity="conversation", chat={"messages": changed})
    other.ask = Ask(run.ask.caller, other.ask.chat, "openai.chat")
    assert (await gather(run)).prefix != (await gather(other)).prefix


async def test_prefix__without_a_message_of_the_user__holds_no_tokens() -> None:
    facts = await facts_of({}, affinity="prefix", chat={"messages": TURNS[:1]})
    assert facts.prefix_tokens == 0


async def test_budget__read_by_a_rule__is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def left(_caller: Any, now_ms: int) -> float:
        asked.append(now_ms)
        return 12.5

    monkeypatch.setattr(module, "budget_left_percent", left)
    run = run_of({"budget_left_percent": 20})
    assert (await gather(run)).budget_left_percent == 12.5
    assert asked == [run.started_ms]


async def test_prompt_tokens__tools_count_only_where_there_are_any() -> None:
    raw = {"messages": [], "tools": [{"name": "clock", "description": "Tells the time."}]}
    words = estimate_messages("auto", TURNS)
    plain = await facts_of({}, chat={"raw": raw})
    calling = await facts_of({}, chat={"raw": raw, "needs": frozenset({"tools"})})
    assert plain.prompt_tokens == words
    assert calling.prompt_tokens == estimate_body("auto", raw)
