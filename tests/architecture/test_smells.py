"""What linters let pass and the house does not: hidden imports, broad excepts, ignored types."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.architecture.source import PRODUCT, Source, sources

EVERYWHERE = (*PRODUCT, "tests")
# The borders where whatever happens must become an answer: HTTP handler and task runner.
BROAD_EXCEPTS_ALLOWED = 2
TYPE_IGNORES_PER_1000_LINES = 0.2
TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore")
EXPLAINED_IGNORE = re.compile(r"#\s*type:\s*ignore\[[a-z, -]+\]\s+#\s+\S+")
BROAD = frozenset({"Exception", "BaseException"})
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def test_imports__everywhere__stand_at_the_top() -> None:
    found = [
        f"{source.name}:{node.lineno}"
        for source in sources(*EVERYWHERE)
        for function in ast.walk(source.tree)
        if isinstance(function, FUNCTIONS)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_imports__under_type_checking__are_none() -> None:
    found = [
        source.name
        for source in sources(*PRODUCT)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node))
    ]
    assert found == []


def test_broad_excepts__of_the_product__are_the_two_borders() -> None:
    found = [
        f"{source.name}:{node.lineno}"
        for source in sources(*PRODUCT)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node)
    ]
    assert len(found) <= BROAD_EXCEPTS_ALLOWED, found


def test_type_ignores__everywhere__have_a_code_and_a_reason() -> None:
    found = [
        f"{place}: {comment}"
        for place, comment in _ignores(sources(*EVERYWHERE))
        if not EXPLAINED_IGNORE.match(comment)
    ]
    assert found == []


def test_type_ignores__of_the_product__are_rare() -> None:
    lines = sum(source.lines for source in sources(*PRODUCT))
    found = list(_ignores(sources(*PRODUCT)))
    assert len(found) <= max(1, round(lines / 1000 * TYPE_IGNORES_PER_1000_LINES)), found


@pytest.mark.parametrize("name", ["utils", "helpers", "misc", "common"])
def test_file_names__everywhere__say_what_they_hold(name: str) -> None:
    found = [source.name for source in sources(*EVERYWHERE)]
    assert [path for path in found if f"/{name}.py" in path or f"/{name}/" in path] == []


def test_global_names__of_the_product__are_not_rebound() -> None:
    found = [
        f"{source.name}:{node.lineno}"
        for source in sources(*PRODUCT)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Global)
    ]
    assert found == []


def _is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in BROAD for kind in types)


def _ignores(files: tuple[Source, ...]) -> Iterator[tuple[str, str]]:
    for source in files:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type == tokenize.COMMENT and TYPE_IGNORE.match(token.string):
                yield f"{source.name}:{token.start[0]}", token.string
