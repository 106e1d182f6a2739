"""Texts of rules in a message: words without case, RE2 patterns, each found or not by its id."""

from typing import Literal

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from apps.routing import message_search
from apps.routing.engine.types import Pattern
from apps.routing.message_search import SEARCHED_CHARACTERS, MessageSearch, pattern_fault

HELLO = "Olá, quero um REEMBOLSO do pedido 4711.\nObrigado"


def search(**texts: tuple[Literal["contains", "matches"], str]) -> MessageSearch:
    return MessageSearch({id_: Pattern(*pair) for id_, pair in texts.items()})


@pytest.mark.parametrize(
    ("text", "is_there"),
    [("reembolso", True), ("OLÁ", True), ("refund", False), ("pedido 4711", True), (".*", False)],
)
def test_words__are_found_without_case_and_as_they_are(text: str, is_there: bool) -> None:
    assert search(a=("contains", text)).look(HELLO) == {"a": is_there}


@pytest.mark.parametrize(
    ("pattern", "is_there"),
    [
        (r"pedido \d{4}\b", True),
        (r"reembolso", False),
        (r"(?i)reembolso", True),
        (r"^Obrigado", False),
        (r"(?m)^Obrigado$", True),
        (r"\bquero\b.*\bREEMBOLSO\b", True),
    ],
)
@pytest.mark.parametrize("others", [0, 3])
def test_pattern__alone_or_among_others__is_found_as_re2_says(
    pattern: str, is_there: bool, others: int
) -> None:
    more = {f"x{number}": ("matches", f"never{number}") for number in range(others)}
    found = search(a=("matches", pattern), **more).look(HELLO)  # type: ignore[arg-type]  # literals
    assert found == {"a": is_there, **dict.fromkeys(more, False)}


def test_message__of_many_texts__tells_of_exactly_these() -> None:
    found = search(
        a=("contains", "olá"), b=("contains", "x"), c=("matches", "O"), d=("matches", "z{3}")
    ).look(HELLO)
    assert found == {"a": True, "b": False, "c": True, "d": False}


def test_message__of_any_length__is_searched_at_its_end() -> None:
    early = search(a=("contains", "needle"), b=("matches", "need.e"), c=("matches", "needle$"))
    assert early.look("needle" + "x" * SEARCHED_CHARACTERS) == {}
    assert early.look("x" * SEARCHED_CHARACTERS + "needle") == {"a": True, "b": True, "c": True}
    whole = "x" * (SEARCHED_CHARACTERS - 6) + "needle"
    assert search(a=("contains", "y")).look(whole) == {"a": False}


def test_message__with_half_a_surrogate_pair__is_searched() -> None:
    assert search(a=("matches", "b"), b=("contains", "B")).look("a\ud800b") == {
        "a": True,
        "b": True,
    }


def test_patterns__that_do_not_fit_into_one_automaton__are_still_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = {f"p{number}": ("matches", f"(x|y){{{number}}}z") for number in range(1, 40)}
    whole = search(**texts).look("a xyxyxz")  # type: ignore[arg-type]  # literals
    assert [id_ for id_, is_there in whole.items() if is_there] == ["p1", "p2", "p3", "p4", "p5"]
    for memory in (1, 8_000, 20_000, 60_000):
        monkeypatch.setattr(message_search, "SET_MEMORY", memory)
        assert search(**texts).look("a xyxyxz") == whole  # type: ignore[arg-type]  # literals


def test_pattern__that_cannot_be_used__leaves_its_clause_undecided() -> None:
    assert search(a=("matches", "("), b=("matches", "O")).look(HELLO) == {"b": True}
    assert search(a=("matches", "(")).look(HELLO) == {}


@pytest.mark.parametrize("bad", ["(", "a{2000}", "(?=x)", r"(a)\1", "((a{100}){100}){9}", "*"])
def test_pattern__that_re2_refuses__has_its_fault_in_words(bad: str) -> None:
    assert pattern_fault(bad)
    assert pattern_fault(r"\bok\b") == ""


def test_pattern__that_is_slow_elsewhere__is_searched_in_time_in_proportion() -> None:
    slow = search(a=("matches", "(a+)+$"))
    assert slow.look("a" * 50_000 + "b") == {"a": False}


@given(
    st.lists(st.sampled_from(["a+b", "b.c", "^a", "c$", "[abc]{3}", "x?"]), max_size=6),
    st.text("abc\n", max_size=12),
)
def test_patterns__together__find_what_each_finds_alone(patterns: list[str], text: str) -> None:
    found = search(**{f"p{i}": ("matches", p) for i, p in enumerate(patterns)}).look(text)
    alone = {f"p{i}": re2.search(p, text) is not None for i, p in enumerate(patterns)}
    assert found == alone
