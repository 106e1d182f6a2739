"""Explanations: a sentence in both languages for every reason that the engine can give."""

import ast
import string
from pathlib import Path
from typing import Any

import pytest

from apps.routing.engine import explain as explaining
from apps.routing.engine.explain import explain, explain_steps, word
from apps.routing.engine.request_router import decide
from apps.routing.engine.sentences import SENTENCES, WORDS
from apps.routing.engine.trace import UNTOLD, step_record, told_steps
from apps.routing.engine.types import Health
from tests.engine.faults import only
from tests.engine.records import NOW, choose, make_facts, make_health, make_snapshot, rule_record

ENGINE = Path(explaining.__file__).parent
# Functions that make a step, with the place of the code among their arguments.
MAKERS = {"_fault": 0, "removed": 0, "_chosen": 0, "tell": 1, "_tell_score": 1, "_matched": 1,
          "_tell": 2, "TraceStep": 1, "step": 0}  # fmt: skip
VIP = only("tag", "has", "vip")


def emitted_codes() -> set[str]:
    """Return every code in the engine's source, those chosen between two included."""
    found = {UNTOLD}
    for path in ENGINE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found.update(_codes_of_call(node))
            found.update(_codes_of_assignment(node))
    return found


def _texts(node: ast.AST) -> set[str]:
    if isinstance(node, ast.IfExp):
        return _texts(node.body) | _texts(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def _codes_of_call(node: ast.AST) -> set[str]:
    if not isinstance(node, ast.Call):
        return set()
    place = MAKERS.get(ast.unparse(node.func).rpartition(".")[2])
    return set() if place is None or len(node.args) <= place else _texts(node.args[place])


def _codes_of_assignment(node: ast.AST) -> set[str]:
    named = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code"
    return _texts(node.value) if named and isinstance(node, ast.Assign) else set()


def told(rule: dict[str, Any], language: str = "en", **facts: Any) -> str:
    """Return what is told of one rule that does not match."""
    decision = decide(make_facts(**facts), make_snapshot(rules=[rule]), Health(), "s")
    return explain(decision, language)[0]


def sentence(code: str, language: str = "en", subject: str = "d1", **numbers: Any) -> str:
    (found,) = explain_steps([["filter", code, subject, "removed", numbers]], language)
    return found


def test_sentences__of_every_code_in_the_source__are_in_the_table() -> None:
    assert emitted_codes() == set(SENTENCES)


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_sentence__in_both_languages__uses_the_same_figures(code: str) -> None:
    english, portuguese = SENTENCES[code]
    assert english != portuguese
    assert english.endswith(".")
    assert portuguese.endswith(".")
    names = [
        {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name}
        for text in (english, portuguese)
    ]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "Rule “vips” did not match: tag must have vip, but it was “bulk”."),
        ("pt-br", "A regra “vips” não se aplica: etiqueta deve ter vip, mas era “bulk”."),
        ("PT", "A regra “vips” não se aplica: etiqueta deve ter vip, mas era “bulk”."),
        ("de", "Rule “vips” did not match: tag must have vip, but it was “bulk”."),
    ],
)
def test_explain__clause_that_failed__names_what_was_wanted_and_seen(
    language: str, expected: str
) -> None:
    rule = rule_record(name="vips", condition=VIP)
    assert told(rule, language, tags=("bulk",)) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (
            only("max_output_tokens", "between", [1, 9]),
            (
                "Rule “x” could not be decided (output tokens must be between 1, 9):"
                " the request does not say output tokens."
            ),
        ),
        ({"none": VIP["all"]}, "Rule “x” excludes “tag must have vip”, and it was “vip”."),
        ({"any": []}, "Rule “x” did not match this request."),
        ({"none": [{"all": []}]}, "Rule “x” did not match this request."),
        (
            only("metadata.plan", "is", "gold"),
            (
                "Rule “x” could not be decided (metadata “plan” must be gold):"
                " the request does not say metadata “plan”."
            ),
        ),
        (
            only("header.X-Team", "is", "red"),
            (
                "Rule “x” could not be decided (header “X-Team” must be red):"
                " the request does not say header “X-Team”."
            ),
        ),
    ],
)
def test_explain__rule_that_did_not_match__says_why(
    condition: dict[str, Any], expected: str
) -> None:
    rule = rule_record(name="x", condition=condition)
    assert told(rule, tags=("vip",), max_output_tokens=None) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "Rule “x” did not match: part of a conversation must be yes, but it was “no”."),
        ("pt-br", "A regra “x” não se aplica: parte de uma conversa deve ser sim, mas era “não”."),
    ],
)
def test_explain__a_flag__is_told_as_yes_or_no(language: str, expected: str) -> None:
    rule = rule_record(name="x", condition=only("in_conversation", "is", True))
    assert told(rule, language) == expected


def test_explain__braces_in_names__are_told_as_they_are() -> None:
    rule = rule_record(name="{seen} {0}", condition=VIP)
    assert "“{seen} {0}”" in told(rule, tags=("{field}",))


@pytest.mark.parametrize(
    ("code", "numbers", "english", "portuguese"),
    [
        (
            "rate_blocked",
            {"wait_ms": 1_540},
            "d1 was left out: the provider asked to wait 1.5 s.",
            "d1 ficou de fora: o provedor pediu para aguardar 1,5 s.",
        ),
        (
            "first_choice",
            {"model": "small", "most_cost": 1_234_567},
            "First choice: d1 (small), at most 1.234567 USD.",
            "Primeira escolha: d1 (small), no máximo 1,234567 USD.",
        ),
        (
            "without_rule",
            {"model": "large", "cost_difference": 4_000},
            "Without this rule: d1 (large), +0.004000 USD in likely cost.",
            "Sem esta regra: d1 (large), +0,004000 USD no custo provável.",
        ),
        (
            "without_rule",
            {"model": "large", "cost_difference": -4_000},
            "Without this rule: d1 (large), -0.004000 USD in likely cost.",
            "Sem esta regra: d1 (large), -0,004000 USD no custo provável.",
        ),
        (
            "without_rule",
            {"model": "large", "cost_difference": 0},
            "Without this rule: d1 (large), +0.000000 USD in likely cost.",
            "Sem esta regra: d1 (large), +0,000000 USD no custo provável.",
        ),
        (
            "without_rule_nobody",
            {"outcome": "reject"},
            "Without this rule nobody could answer (rejected by a rule).",
            "Sem esta regra ninguém poderia responder (rejeitada por uma regra).",
        ),
        (
            "drawn",
            {"unit": "request", "percent": 12.5, "draw": 3.0},
            "The draw for this request fell on “d1”, which gets 12.50 % (3.00).",
            "O sorteio para a requisição caiu em “d1”, que recebe 12,50 % (3,00).",
        ),
        # A number that an earlier version did not keep.
        (
            "rate_blocked",
            {},
            "d1 was left out: the provider asked to wait ….",
            "d1 ficou de fora: o provedor pediu para aguardar ….",
        ),
        # Texts where numbers are expected are told as they are.
        (
            "rate_blocked",
            {"wait_ms": "long"},
            "d1 was left out: the provider asked to wait long.",
            "d1 ficou de fora: o provedor pediu para aguardar long.",
        ),
    ],
)
def test_explain__figures__are_money_seconds_and_words(
    code: str, numbers: dict[str, Any], english: str, portuguese: str
) -> None:
    assert sentence(code, "en", **numbers) == english
    assert sentence(code, "pt-br", **numbers) == portuguese


def test_explain__whole_decision__is_one_sentence_for_each_step() -> None:
    health = make_health(d1={"retry_after_ms": NOW + 500})
    assert explain(choose(make_snapshot(aliases={"auto": ["small"]}), health), "en") == [
        "The request names: small.",
        "d1 was left out: the provider asked to wait 0.5 s.",
    ]


def test_explain_steps__code_of_another_version__is_told_plainly() -> None:
    assert sentence("new_one", subject="x") == "x: new_one"


def test_explain_steps__stored_in_either_form__tells_the_same() -> None:
    decision = choose(make_snapshot())
    records = [step_record(step) for step in told_steps(decision.trace)]
    rows = [list(record.values()) for record in records]
    assert explain_steps(records, "en") == explain_steps(rows, "en") == explain(decision, "en")


@pytest.mark.parametrize(
    ("name", "english", "portuguese"),
    [
        ("key_tag", "API key tag", "etiqueta da chave de API"),
        ("unhealthy", "all deployments rest", "todas as implantações em repouso"),
        ("metadata.a.b", "metadata “a.b”", "metadados “a.b”"),
        ("header.x", "header “x”", "cabeçalho “x”"),
        ("something_else", "something_else", "something_else"),
    ],
)
def test_word__in_either_language__is_the_readers_or_its_own_name(
    name: str, english: str, portuguese: str
) -> None:
    assert (word(name, "en"), word(name, "pt-br")) == (english, portuguese)


def test_words__of_both_languages__differ() -> None:
    assert {name for name, (english, portuguese) in WORDS.items() if english == portuguese} == set()
