"""The engine runs on a bare interpreter: it brings nothing but the standard library."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from router_project.local.places import CHECKOUT

ENGINE = CHECKOUT / "apps" / "routing" / "engine"
# -I: no environment and no current folder; -S: no installed packages.
BARE = [sys.executable, "-I", "-S", "-c"]
PROGRAM = """
import importlib, json, sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""
PACKAGES_ON_THE_WAY = frozenset({"apps", "apps.routing"})
IMPURE = frozenset({"random", "secrets", "uuid", "socket", "subprocess", "asyncio", "logging"})


def test_engine__on_a_bare_interpreter__brings_the_standard_library_only() -> None:
    loaded = _loaded(*_modules())
    own = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
    foreign = {name for name in own - PACKAGES_ON_THE_WAY if not _is_engine(name)}
    assert foreign == set()
    assert "apps.routing.engine.request_router" in own


def test_engine__on_a_bare_interpreter__brings_nothing_that_differs_between_calls() -> None:
    assert set(_loaded(*_modules())) & IMPURE == set()


def test_engine__as_source__reads_no_clock_and_no_chance() -> None:
    for path in sorted(ENGINE.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        for word in ("datetime.now", "time.time", "random.", "os.environ", "open("):
            assert word not in text, f"{path.name} uses {word}"


@pytest.mark.parametrize("name", ["apps.core.chat", "apps.core.errors", "apps.core.money"])
def test_core__what_engine_and_adapters_share__needs_no_django(name: str) -> None:
    assert [loaded for loaded in _loaded(name) if loaded.startswith("django")] == []


def _modules() -> list[str]:
    return [
        f"apps.routing.engine.{'.'.join(path.relative_to(ENGINE).with_suffix('').parts)}"
        for path in sorted(ENGINE.rglob("*.py"))
        if path.name != "__init__.py"
    ]


def _is_engine(name: str) -> bool:
    return name == "apps.routing.engine" or name.startswith("apps.routing.engine.")


def _loaded(*names: str) -> list[str]:
    done = subprocess.run(
        [*BARE, PROGRAM, str(Path(CHECKOUT)), *names], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded: list[str] = json.loads(done.stdout)
    return loaded
