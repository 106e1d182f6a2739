"""The twenty traps that gateways fall into: each line of each of them has a test by its name."""

import ast
import re
from collections.abc import Iterator, Mapping

import pytest

from router_project.local.places import CHECKOUT

TESTS = CHECKOUT / "tests"
# Lines of the reference of wire compatibility, in the order of how much they matter. The letters
# name the two sides: A is Anthropic, G is Gemini, O is OpenAI's chat (OO: servers like it), R is
# OpenAI's Responses; GI is Gemini's door, E are errors, T is transport.
TRAPS: Mapping[str, tuple[str, ...]] = {
    "streamed arguments of tools": ("ao12", "ao13"),
    "results of tools in one turn, in order": ("oa7", "ao2"),
    "the finish reason of calls": ("og11", "oo10"),
    "cut or corrupt streams": ("oa33",),
    "errors before and after the first byte": ("oa32", "ao17"),
    "thoughts and signatures over several turns": ("oa23", "ag1", "og10"),
    "index, id and name of streamed calls": ("oa29",),
    "grammar of Anthropic's events": ("ao11",),
    "when to come back, ids of requests, limits": ("e4", "t8", "e6"),
    "envelope and status of errors": ("ao16", "e1", "gi5"),
    "usage with cached tokens": ("oa27", "og14", "ao15"),
    "the chunk of usage": ("oa30", "oo5"),
    "vectors in base64": ("oo13",),
    "dialects of schemas": ("og4",),
    "limits and sampling by model": ("oa17", "oa18", "oo2"),
    "structured output with tools and thoughts": ("oa21",),
    "ids of calls": ("oa9", "oo4"),
    "images in results of tools": ("ao3", "oa8"),
    "counting, lists of models, both versions": ("t13", "t14", "gi1"),
    "grammar and memory of Responses": ("r3", "r5"),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_trap__of_the_twenty__has_tests_by_the_names_of_its_lines(trap: str) -> None:
    untested = [line for line in TRAPS[trap] if not named_after(line)]
    assert not untested, f"{trap}: no test is named after {', '.join(untested)}"


def test_traps__are_twenty() -> None:
    assert len(TRAPS) == 20


def named_after(line: str) -> list[str]:
    """Return the tests whose names begin with this line, alone or among others."""
    name = re.compile(rf"test_(?:[a-z]{{1,2}}[0-9]+_)*{line}_")
    return [found for found in NAMES if name.match(found)]


def _names() -> Iterator[str]:
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name


NAMES = tuple(_names())
