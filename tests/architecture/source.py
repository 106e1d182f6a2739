"""The project's own source, read once: files, syntax trees, functions with their sizes."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from router_project.local.places import CHECKOUT

PRODUCT = ("apps", "router_project")
NOT_OURS = frozenset({"migrations", "__pycache__"})
VIEW_FOLDERS = frozenset({"api", "views"})
VIEW_FILES = frozenset({"views.py"})

type FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the project."""

    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method, from its first decorator to its last line."""

    place: str
    lines: int
    is_view: bool


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Return the Python files below the folders, migrations left out."""
    return tuple(_read(path) for folder in folders for path in _files(CHECKOUT / folder))


@cache
def functions(*folders: str) -> tuple[Function, ...]:
    """Return the functions of all files below the folders."""
    return tuple(
        Function(f"{source.name}:{node.lineno} {node.name}", _length(node), _is_view(source.name))
        for source in sources(*folders)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def percentile(values: list[int], share: float) -> int:
    """Return the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.py")):
        if not NOT_OURS.intersection(path.parts):
            yield path


def _read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(str(path.relative_to(CHECKOUT)), text, ast.parse(text, str(path)))


def _length(node: FunctionNode) -> int:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return (node.end_lineno or node.lineno) - first + 1


def _is_view(name: str) -> bool:
    path = Path(name)
    return path.name in VIEW_FILES or bool(VIEW_FOLDERS.intersection(path.parts))
