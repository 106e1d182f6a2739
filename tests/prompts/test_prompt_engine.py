"""Rendering: typed variables in, messages out; hostile templates and values stay harmless."""

import threading
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.chat import Message
from apps.core.errors import InvalidRequest
from apps.prompts.filters import MAX_OUTPUT_CHARS
from apps.prompts.prompt_engine import MAX_MESSAGES, CompiledPrompt, compile_prompt, render
from apps.prompts.template_grammar import ProblemKind, TemplateProblem


def compiled(text: str, **types: str) -> CompiledPrompt:
    variables = [{"name": name, "type": kind} for name, kind in types.items()]
    messages = [{"role": "user", "text": text}]
    return compile_prompt(slug="greeting", version=1, messages=messages, variables=variables)


def rendered(text: str, **values: Any) -> str:
    kinds = {str: "text", bool: "boolean", int: "number", float: "number", list: "list"}
    types = {name: kinds[type(value)] for name, value in values.items()}
    return render(compiled(text, **types), values)[0].text


def test_render__messages_of_several_roles__keep_roles_and_order() -> None:
    prompt = compile_prompt(
        slug="support",
        version=3,
        messages=[
            {"role": "system", "text": "You work for {{ company }}."},
            {"role": "assistant", "text": "How can I help?"},
            {"role": "user", "text": "{{ question }}"},
        ],
        variables=[{"name": "company", "type": "text"}, {"name": "question", "type": "text"}],
    )
    assert render(prompt, {"company": "Acme", "question": "Hi"}) == (
        Message("system", "You work for Acme."),
        Message("assistant", "How can I help?"),
        Message("user", "Hi"),
    )
    assert prompt.label == "support@3"


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("{{ a }}", {"a": "<b> & 'q'"}, "<b> & 'q'"),
        ("{{ a }}\n", {"a": "x"}, "x\n"),
        ("{{ a|upper }} {{ a|title }}", {"a": "ana lima"}, "ANA LIMA Ana Lima"),
        ("{{ a|trim|capitalize }}", {"a": "  ana "}, "Ana"),
        ("{{ a|join(', ') }}", {"a": ["x", 1, True]}, "x, 1, True"),
        ("{{ a|sort|join }}", {"a": ["b", 2, "a", 1]}, "12ab"),
        ("{{ a|unique|reverse|join('-') }}", {"a": ["x", "y", "x"]}, "y-x"),
        ("{{ a|tojson }}", {"a": ["é", 1]}, '["é", 1]'),
        ("{{ a|length }}/{{ a|first }}/{{ a|last }}", {"a": ["p", "q"]}, "2/p/q"),
        ("{{ a[0] }}", {"a": ["p", "q"]}, "p"),
        ("{{ a|round(1) }}", {"a": 2.56}, "2.6"),
        ("{% if a > -1 and not b %}y{% else %}n{% endif %}", {"a": 0, "b": False}, "y"),
        ("{{ 'yes' if a == 'x' else 'no' }}", {"a": "x"}, "yes"),
        ("{% for i in a %}{{ loop.index }}. {{ i }}\n{% endfor %}", {"a": ["p"]}, "1. p\n"),
        ("{% for i in a|sort -%} {{ i }} {%- else %}none{% endfor %}", {"a": []}, "none"),
        ("{# {{ unknown }} #}{{- a -}} !", {"a": "x"}, "x!"),
        ("{{ '{{ a }}' }} {{ a }}", {"a": "x"}, "{{ a }} x"),
    ],
)
def test_render__what_the_grammar_allows__renders(
    template: str, values: dict[str, Any], expected: str
) -> None:
    assert rendered(template, **values) == expected


@pytest.mark.parametrize(
    "value",
    ["{{ secret }}", "{% include 'x' %}", "{{ 7*7 }}", "${7*7}", "{{''.__class__}}", "{#", "%}"],
)
def test_render__template_text_in_a_value__stays_text(value: str) -> None:
    assert rendered("{{ a }}", a=value) == value


@given(st.text().filter(lambda text: "\0" not in text and text.isprintable()))
def test_render__any_text__comes_out_as_it_went_in(value: str) -> None:
    assert rendered("{{ a }}", a=value) == value


def test_render__missing_value__names_the_variable() -> None:
    with pytest.raises(InvalidRequest) as refused:
        render(compiled("{{ a }}", a="text"), {})
    assert refused.value.param == "variables.a"


def test_render__join_on_a_text__says_what_the_filter_works_on() -> None:
    with pytest.raises(InvalidRequest, match="join works on a list"):
        rendered("{{ a|join }}", a="text")


def test_render__index_out_of_the_list__is_the_callers_error() -> None:
    with pytest.raises(InvalidRequest, match="greeting@1"):
        rendered("{{ a[5] }}", a=["x"])


def test_render__output_over_the_limit__is_refused() -> None:
    with pytest.raises(InvalidRequest, match="shorten the variables"):
        rendered("{{ a }}" * 10, a="x" * 90_000)


def test_render__long_plain_text_in_a_loop__is_refused() -> None:
    with pytest.raises(InvalidRequest, match="shorten the variables"):
        rendered("{% for i in a %}" + "x" * 30_000 + "{% endfor %}", a=["y"] * 200)


def test_render__output_of_all_messages_together__is_limited() -> None:
    message = {"role": "user", "text": "{{ a }}"}
    prompt = compile_prompt(
        slug="s", version=1, messages=[message] * 4, variables=[{"name": "a", "type": "text"}]
    )
    with pytest.raises(InvalidRequest, match=str(MAX_OUTPUT_CHARS)):
        render(prompt, {"a": "x" * 90_000})


def test_compile__pipe_without_a_filter__is_a_syntax_problem_of_its_line() -> None:
    with pytest.raises(TemplateProblem) as refused:
        compiled("one\n{{ a| }}", a="text")
    assert (refused.value.kind, refused.value.line) == (ProblemKind.SYNTAX, 2)


BOMBS = [
    (
        "{% for i in l %}" + "{% if t|upper|lower|upper|lower == 'b' %}{% endif %}" * 400,
        "{% endfor %}",
    ),
    ("{% for i in l %}" + "{{ t }}" * 4000, "{% endfor %}"),
    ("{% for i in l %}{% if l|join(t) %}{% endif %}", "{% endfor %}"),
    ("{% for i in l %}" + "{% if l|sort|reverse|sort|reverse %}{% endif %}" * 400, "{% endfor %}"),
    ("{{ t|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson }}", ""),
]


@pytest.mark.parametrize(("start", "end"), BOMBS)
def test_render__resource_bomb__is_refused_within_bounds(start: str, end: str) -> None:
    prompt = compiled(start + end, l="list", t="text")
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(InvalidRequest):
        render(prompt, {"l": ["x"] * 200, "t": '"' * 100_000})
    spent = time.process_time() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert spent < 5
    assert peak < 50 * 1024 * 1024


def test_render__from_several_threads__limits_do_not_mix() -> None:
    prompt = compiled("{{ a }}", a="text")
    faults: list[Exception] = []

    def many() -> None:
        try:
            for _ in range(200):
                assert render(prompt, {"a": "x" * 50_000})[0].text == "x" * 50_000
        except (AssertionError, InvalidRequest) as fault:
            faults.append(fault)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_render__after_a_refused_rendering__starts_with_a_full_meter() -> None:
    prompt = compiled("{{ a }}" * 10, a="text")
    with pytest.raises(InvalidRequest):
        render(prompt, {"a": "x" * 90_000})
    assert render(prompt, {"a": "x"})[0].text == "x" * 10


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([], "messages"),
        ("text", "messages"),
        (None, "messages"),
        ([{"role": "user", "text": "x"}] * (MAX_MESSAGES + 1), "messages"),
        (["x"], "messages.0"),
        ([{"role": "tool", "text": "x"}], "messages.0.role"),
        ([{"text": "x"}], "messages.0.role"),
        ([{"role": "user", "text": "  "}], "messages.0.text"),
        ([{"role": "user", "text": 3}], "messages.0.text"),
        ([{"role": "user", "text": "a\0"}], "messages.0.text"),
        ([{"role": "user", "text": "a"}, {"role": "user"}], "messages.1.text"),
    ],
)
def test_compile_prompt__malformed_messages__name_their_place(messages: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        compile_prompt(slug="s", version=1, messages=messages, variables=[])
    assert refused.value.param == param


def test_compile_prompt__undeclared_variable__names_word_line_and_message() -> None:
    messages = [{"role": "user", "text": "ok"}, {"role": "user", "text": "a\nb {{ nmae }}"}]
    with pytest.raises(TemplateProblem) as refused:
        compile_prompt(slug="s", version=1, messages=messages, variables=[{"name": "name"}])
    problem = refused.value
    assert problem.kind is ProblemKind.UNDECLARED
    assert (problem.word, problem.line, problem.param) == ("nmae", 2, "messages.1.text")


@pytest.mark.parametrize("name", ["range", "dict", "debug", "namespace", "self", "config"])
def test_compile_prompt__name_of_the_engine__is_unknown(name: str) -> None:
    with pytest.raises((TemplateProblem, InvalidRequest), match=r"undeclared|undefined"):
        render(compiled("{{ " + name + " }}"), {})


def test_compile_prompt__block_left_open__is_a_syntax_problem_with_its_line() -> None:
    with pytest.raises(TemplateProblem) as refused:
        compiled("a\n{% if a %}", a="text")
    assert refused.value.kind is ProblemKind.SYNTAX
