"""Explanations: a sentence in both languages for every reason that the engine can give."""

import ast
import string
from pathlib import Path
from typing import Any

import pytest

from apps.routing.engine import explain as explaining
from apps.routing.engine.explain import SENTENCES, explain, explain_steps, step_record
from apps.routing.engine.request_router import decide
from apps.routing.engine.types import Decision, Health
from tests.engine.records import make_facts, make_health, make_snapshot, rule_record

ENGINE = Path(explaining.__file__).parent
# Functions whose first argument is the code, and those that take it second.
FIRST = frozenset({"_fault", "_removed", "_chosen"})
VIP = {"field": "tag", "operator": "has", "value": "vip"}
SHORT = {"field": "max_output_tokens", "operator": "between", "value": [1, 9]}


def emitted_codes() -> set[str]:
    """Return every code in the engine's source, and the conditional ones by name."""
    found: set[str] = set()
    for path in ENGINE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found.update(_codes_of_call(node))
            found.update(_codes_of_assignment(node))
            found.update(_codes_returned(node))
    return found


def _texts(node: ast.AST) -> set[str]:
    if isinstance(node, ast.IfExp):
        return _texts(node.body) | _texts(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def _codes_of_call(node: ast.AST) -> set[str]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return set()
    if node.func.id in FIRST:
        return _texts(node.args[0])
    return _texts(node.args[1]) if node.func.id == "TraceStep" else set()


def _codes_of_assignment(node: ast.AST) -> set[str]:
    named = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code"
    return _texts(node.value) if named and isinstance(node, ast.Assign) else set()


def _codes_returned(node: ast.AST) -> set[str]:
    if not isinstance(node, ast.FunctionDef) or node.name != "_reason":
        return set()
    returns = (inner for inner in ast.walk(node) if isinstance(inner, ast.Return))
    return {text for item in returns if item.value for text in _texts(item.value)}


def told(rule: dict[str, Any], language: str = "en", **facts: Any) -> str:
    """Return what is told of one rule that does not match."""
    decision = decide(make_facts(**facts), make_snapshot(rules=[rule]), Health(), "s")
    return explain(decision, language)[0]


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
        ("pt-PT", "A regra “vips” não se aplica: etiqueta deve ter vip, mas era “bulk”."),
        ("de", "Rule “vips” did not match: tag must have vip, but it was “bulk”."),
    ],
)
def test_explain__clause_that_failed__names_what_was_wanted_and_seen(
    language: str, expected: str
) -> None:
    rule = rule_record(name="vips", condition={"all": [VIP]})
    assert told(rule, language, tags=("bulk",)) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"all": [SHORT]}, "Rule “x” did not match: the request does not say output tokens."),
        ({"none": [VIP]}, "Rule “x” excludes “tag must have vip”, and it was “vip”."),
        ({"any": []}, "Rule “x” did not match this request."),
        ({"none": [{"all": []}]}, "Rule “x” did not match this request."),
    ],
)
def test_explain__rule_that_did_not_match__says_why(
    condition: dict[str, Any], expected: str
) -> None:
    rule = rule_record(name="x", condition=condition)
    assert told(rule, tags=("vip",), max_output_tokens=None).startswith(expected)


def test_explain__braces_in_names__are_told_as_they_are() -> None:
    rule = rule_record(name="{seen} {0}", condition={"all": [VIP]})
    assert "“{seen} {0}”" in told(rule, tags=("{field}",))


def test_explain__whole_decision__is_one_sentence_for_each_step() -> None:
    health = make_health(d1={"retry_after_ms": make_facts().now_ms + 5})
    decision = decide(make_facts(), make_snapshot(aliases={"auto": ["small"]}), health, "s")
    assert explain(decision, "en") == [
        "The request names: small.",
        "d1 was left out: the provider asked to wait 5 ms.",
    ]


def test_explain_steps__code_of_another_version__is_told_plainly() -> None:
    step = {"layer": "rule", "code": "new_one", "subject": "x", "verdict": "kept", "numbers": {}}
    assert explain_steps([step], "en") == ["x: new_one"]


def test_step_record__stored_and_read_back__tells_the_same() -> None:
    decision: Decision = decide(make_facts(), make_snapshot(), Health(), "s")
    records = [step_record(step) for step in decision.trace]
    assert explain_steps(records, "en") == explain(decision, "en")
