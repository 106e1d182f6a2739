"""A new provider is a copied folder and one line of the registry; the contract takes it so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from router_project.local.places import CHECKOUT
from router_project.local.throwaway import RUN_VARIABLE
from tests.scale import IS_FULL

COPIED, LINKED = ("apps", "tests"), ("router_project", "locale", "templates", "pyproject.toml")
CACHES = shutil.ignore_patterns("__pycache__")
ADAPTERS = Path("apps/providers/adapters")
BEFORE = "WIRES: Mapping[str, Wire] = {\n"
COPIES = {
    "openai": """Wire("Acme", "OpenAIAdapter", "https://api.acme.example/v1")""",
    "anthropic": """Wire("Acme", "AnthropicAdapter", "https://api.acme.example")""",
    "google": """Wire("Acme", "GoogleAdapter", "https://api.acme.example")""",
}


@pytest.mark.slow
@pytest.mark.parametrize("model", COPIES if IS_FULL else ["anthropic"])
def test_new_provider__folder_and_one_line__fulfils_the_contract(
    model: str, tmp_path: Path
) -> None:
    for name in COPIED:
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=CACHES)
    for name in LINKED:
        (tmp_path / name).symlink_to(CHECKOUT / name)
    copy_adapter(tmp_path / ADAPTERS, model)
    registry = tmp_path / ADAPTERS / "registry.py"
    text = registry.read_text(encoding="utf-8")
    assert text.count(BEFORE) == 1
    row = f'{BEFORE}    "acme": {COPIES[model]},\n'
    registry.write_text(text.replace(BEFORE, row), encoding="utf-8")
    # A run of its own: as somebody's worker it would empty a neighbour's Redis.
    mine = {
        k: v for k, v in os.environ.items() if not k.startswith("PYTEST_") and k != RUN_VARIABLE
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-k", "acme"]
    ran = subprocess.run(
        [*command, "tests/providers/contract"],
        cwd=tmp_path,
        env={**mine, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout[-3_000:]
    assert " passed" in ran.stdout
    assert "skipped" not in ran.stdout


def copy_adapter(adapters: Path, model: str) -> None:
    """Copy a folder; what its files import of each other is the copy's, too."""
    shutil.copytree(adapters / model, adapters / "acme")
    for path in (adapters / "acme").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(f"adapters.{model}.", "adapters.acme."), encoding="utf-8")
