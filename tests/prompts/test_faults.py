"""Faults of prompts: by field in English for programs, in the page's language for authors."""

from typing import Any

import pytest
from django.utils.translation import override

from apps.core.errors import InvalidRequest
from apps.prompts.faults import ENGLISH, GIVEN, FaultKind, PromptFault
from apps.prompts.problems import FAULTS, describe_error
from apps.prompts.problems import GIVEN as GIVEN_ON_PAGES
from apps.prompts.prompt_engine import compile_prompt, render
from apps.prompts.variables import bind, parse_variables

WORDS: dict[str, Any] = {
    "name": "company",
    "type": "text",
    "allowed": "text, list",
    "declared": ["company"],
    "given": "number",
    "count": 7,
    "most": 3,
    "label": "greeting@1",
    "filter": "join",
    "reason": "no such test",
}
ITEMS = [{"name": "items", "type": "list"}]


def fault_of(text: str, value: Any) -> PromptFault:
    """Return what is wrong with rendering the text with a list."""
    messages = [{"role": "user", "text": text}]
    prompt = compile_prompt(slug="greeting", version=1, messages=messages, variables=ITEMS)
    with pytest.raises(PromptFault) as refused:
        render(prompt, {"items": value})
    return refused.value


@pytest.mark.parametrize("kind", list(FaultKind))
def test_fault__of_every_kind__is_told_to_programs_and_to_authors(kind: FaultKind) -> None:
    fault = PromptFault(kind, "variables.company", **WORDS)
    assert kind in ENGLISH
    assert kind in FAULTS
    assert (fault.http_status, fault.param) == (400, "variables.company")
    assert fault.details["problem"] == kind.value
    for told in (fault.message, describe_error(fault)):
        assert told
        assert not set("{}") & set(told)
        assert "%(" not in told
    assert describe_error(fault).endswith(".")


@pytest.mark.parametrize("kind", list(FaultKind))
def test_fault__on_a_portuguese_page__is_told_in_portuguese_and_to_programs_in_english(
    kind: FaultKind,
) -> None:
    english = describe_error(PromptFault(kind, "variables.company", **WORDS))
    with override("pt-br"):
        fault = PromptFault(kind, "variables.company", **WORDS)
        assert describe_error(fault) != english
    assert fault.message == PromptFault(kind, "variables.company", **WORDS).message


def test_fault__of_every_kind_of_value__names_it_in_both_languages() -> None:
    assert set(GIVEN) == set(GIVEN_ON_PAGES)
    for given, in_english in GIVEN.items():
        fault = PromptFault(FaultKind.NOT_A_TEXT, "variables.a", name="a", given=given)
        assert fault.message == f"variables.a must be a text, not {in_english}"
        with override("pt-br"):
            assert describe_error(fault) == f"“a” deve ser um texto, não {GIVEN_ON_PAGES[given]}."


def test_describe_error__wrong_item_of_a_list__counts_from_one() -> None:
    with pytest.raises(PromptFault) as refused:
        bind(parse_variables(ITEMS), {"items": ["a", {"b": 1}]})
    fault = refused.value
    assert fault.message == "variables.items item 1 must be a number, not an object"
    assert describe_error(fault) == "Item 2 of “items” must be a number, not something else."
    with override("pt-br"):
        told = describe_error(fault)
    assert told == "O item 2 de “items” deve ser um número, não outra coisa."


def test_describe_error__wrong_default__says_that_it_is_the_default() -> None:
    record = {"name": "count", "type": "number", "required": False, "default": "3"}
    with pytest.raises(PromptFault) as refused:
        parse_variables([record])
    assert refused.value.message == "variables.0.default must be a number, not a text"
    assert describe_error(refused.value) == "The default of “count” must be a number, not a text."


@pytest.mark.parametrize(
    ("text", "value", "told"),
    [
        ("{{ items[5] }}", ["a"], "past the end of a list"),
        ("{% for i in items %}" + "{{ i }}" * 3000 + "{% endfor %}", ["a"] * 200, "too many steps"),
        ("{% if items is odd_one %}{% endif %}", [], "does not work with these values"),
    ],
)
def test_describe_error__rendering_that_failed__tells_the_cause(
    text: str, value: Any, told: str
) -> None:
    fault = fault_of(text, value)
    assert fault.kind is FaultKind.NOT_RENDERED
    assert "greeting@1 cannot be rendered" in fault.message
    assert told in describe_error(fault)


def test_describe_error__other_refusal__is_told_as_it_is() -> None:
    assert describe_error(InvalidRequest("as it is", param="x")) == "as it is"
