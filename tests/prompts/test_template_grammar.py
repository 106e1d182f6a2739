"""The grammar lets through what prompts need and names what it refuses, with the line."""

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from apps.prompts.problems import MESSAGES, TemplateRefused, describe, describe_error
from apps.prompts.template_grammar import (
    MAX_FILTERS_IN_TAG,
    MAX_LITERAL_CHARS,
    MAX_TEMPLATE_CHARS,
    ProblemKind,
    TemplateProblem,
    check_grammar,
)


@pytest.mark.parametrize(
    ("source", "kind", "word"),
    [
        ("x" * (MAX_TEMPLATE_CHARS + 1), ProblemKind.TOO_LONG, str(MAX_TEMPLATE_CHARS)),
        ("{{ a", ProblemKind.UNCLOSED, "}}"),
        ("{{ a %}", ProblemKind.UNCLOSED, "}}"),
        ("{% if a }}", ProblemKind.UNCLOSED, "%}"),
        ("{# a", ProblemKind.UNCLOSED, "{#"),
        ("{{ 'a }}", ProblemKind.OPERATOR, "'"),
        ("{% %}", ProblemKind.STATEMENT, ""),
        ("{% set a = 1 %}", ProblemKind.STATEMENT, "set"),
        ("{% include 'a' %}", ProblemKind.STATEMENT, "include"),
        ("{% extends 'a' %}", ProblemKind.STATEMENT, "extends"),
        ("{% import 'a' as b %}", ProblemKind.STATEMENT, "import"),
        ("{% macro a() %}{% endmacro %}", ProblemKind.STATEMENT, "macro"),
        ("{% raw %}{{ 9*9 }}{% endraw %}", ProblemKind.STATEMENT, "raw"),
        ("{% filter upper %}a{% endfilter %}", ProblemKind.STATEMENT, "filter"),
        ("{% with a = 1 %}{% endwith %}", ProblemKind.STATEMENT, "with"),
        ("{% do a %}", ProblemKind.STATEMENT, "do"),
        ("{{ 'a' * 10 }}", ProblemKind.OPERATOR, "*"),
        ("{{ 9 ** 9 }}", ProblemKind.OPERATOR, "**"),
        ("{{ 9 // 9 }}", ProblemKind.OPERATOR, "//"),
        ("{{ a + 1 }}", ProblemKind.OPERATOR, "+"),
        ("{{ a - 1 }}", ProblemKind.OPERATOR, "-"),
        ("{{ -a }}", ProblemKind.OPERATOR, "-"),
        ("{{ 'a' ~ 'b' }}", ProblemKind.OPERATOR, "~"),
        ("{{ '%s' % a }}", ProblemKind.OPERATOR, "%"),
        ("{{ [a, a] }}", ProblemKind.OPERATOR, "["),
        ("{{ {'a': 1} }}", ProblemKind.OPERATOR, "{"),
        ("{{ a[1:2] }}", ProblemKind.OPERATOR, ":"),
        ("{{ a|replace('a', 'b') }}", ProblemKind.FILTER, "replace"),
        ("{{ a|indent(9) }}", ProblemKind.FILTER, "indent"),
        ("{{ a|format(9) }}", ProblemKind.FILTER, "format"),
        ("{{ a|list }}", ProblemKind.FILTER, "list"),
        ("{{ a|tojson(9) }}", ProblemKind.ARGUMENTS, "tojson"),
        ("{{ range(9) }}", ProblemKind.CALL, "range"),
        ("{{ a.upper() }}", ProblemKind.CALL, "upper"),
        ("{{ a[0]() }}", ProblemKind.CALL, "]"),
        ("{{ (a)(b) }}", ProblemKind.CALL, ")"),
        ("{{ 'a'() }}", ProblemKind.CALL, "'a'"),
        ("{% if a is divisibleby(3) %}{% endif %}", ProblemKind.CALL, "divisibleby"),
        ("{{ '" + "a" * (MAX_LITERAL_CHARS + 1) + "' }}", ProblemKind.LITERAL, "200"),
        ("{{ a" + "|upper" * (MAX_FILTERS_IN_TAG + 1) + " }}", ProblemKind.TOO_MANY_FILTERS, "8"),
        ("{% for i in a %}{% endfor %}", ProblemKind.LOOP, "a"),
        ("{% for i in 'abc' %}{% endfor %}", ProblemKind.LOOP, "'abc'"),
        ("{% for i, j in items %}{% endfor %}", ProblemKind.LOOP, ""),
        ("{% for i in items|first %}{% endfor %}", ProblemKind.LOOP, "| first"),
        ("{% for i in items if i %}{% endfor %}", ProblemKind.LOOP, "if i"),
        ("{% for i in items recursive %}{% endfor %}", ProblemKind.LOOP, "recursive"),
        ("{% for i in items.first %}{% endfor %}", ProblemKind.LOOP, ". first"),
        (
            "{% for i in items %}{% for j in items %}{% endfor %}{% endfor %}",
            ProblemKind.NESTED_LOOP,
            "",
        ),
    ],
)
def test_check_grammar__beyond_the_grammar__names_what_and_which(
    source: str, kind: ProblemKind, word: str
) -> None:
    with pytest.raises(TemplateProblem) as refused:
        check_grammar(source, {"items"})
    assert (refused.value.kind, refused.value.word) == (kind, word)


@pytest.mark.parametrize(
    "source",
    [
        "plain text with { braces }, 100 % and }} or %}",
        "{{ a }}{{a}}{{- a -}}{{+ a }}",
        "{{ 'it\\'s }} fine' }}",
        '{{ "a %} b" }}',
        "{# {{ a * b }} #}",
        "{% if a == 'x' or (b and not c) %}{% elif b in items %}{% else %}{% endif %}",
        "{% for i in items %}{% endfor %}{% for i in items|sort|unique %}{% endfor %}",
        "{{ a|default('-')|join(', ')|round(2) }}",
        "{{ (a if b else c)|upper }}",
        "{{ loop.index }} {{ a[0] }} {{ a[-1] }} {% if a > -5 %}{% endif %}",
        "{{ São }}",
    ],
)
def test_check_grammar__what_prompts_need__passes(source: str) -> None:
    check_grammar(source, {"items"})


def test_check_grammar__problem_after_some_lines__counts_them() -> None:
    with pytest.raises(TemplateProblem) as refused:
        check_grammar("a\nb\n{{ a }}\n{{\n  b * 2 }}", set())
    assert refused.value.line == 5


@given(st.text(alphabet="{}%#|'\"()[]-+ ab\n", max_size=60))
def test_check_grammar__any_text__passes_or_names_a_problem(source: str) -> None:
    problems: list[TemplateProblem] = []
    try:
        check_grammar(source, {"a"})
    except TemplateProblem as problem:
        problems.append(problem)
    assert all(problem.line >= 1 for problem in problems)


@pytest.mark.parametrize("kind", list(ProblemKind))
def test_describe__every_kind_of_problem__is_a_sentence_with_its_line(kind: ProblemKind) -> None:
    sentence = describe(TemplateProblem(kind, 7, "word"))
    assert kind in MESSAGES
    assert sentence.endswith(".")
    assert "7" in sentence or kind is ProblemKind.TOO_LONG
    assert "%(" not in sentence
    assert "%%" not in sentence


def test_template_refused__problem_of_a_message__carries_place_and_details() -> None:
    problem = TemplateProblem(ProblemKind.FILTER, 2, "replace")
    problem.param = "messages.0.text"
    error = TemplateRefused(problem)
    assert error.http_status == 400
    assert error.param == "messages.0.text"
    assert error.details == {"problem": "filter", "line": 2, "word": "replace"}


def test_template_refused__under_portuguese__is_english_for_programs_only() -> None:
    with override("pt-br"):
        error = TemplateRefused(TemplateProblem(ProblemKind.FILTER, 2, "replace"))
        assert describe_error(error) == "Linha 2: não existe o filtro “replace”."
    assert error.message == "Line 2: there is no filter “replace”."
