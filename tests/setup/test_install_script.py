"""requirements/install.sh: finds a fitting Python, says in one line what is in its way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from router_project.local.places import CHECKOUT

TOO_OLD = """#!/bin/sh
echo "Python 3.8.20"
exit 1
"""
UNREACHABLE = "http://127.0.0.1:9/simple"
PACKAGE = f"iniconfig==2.0.0 --hash=sha256:{'0' * 64}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose requirements are empty, so that nothing has to be fetched."""
    (tmp_path / "requirements").mkdir()
    shutil.copy(CHECKOUT / "requirements" / "install.sh", tmp_path / "requirements")
    (tmp_path / ".python-version").write_text("3.13\n")
    for name in ("local", "dev"):
        (tmp_path / "requirements" / f"{name}.txt").write_text("")
    return tmp_path


def test_install__a_too_old_python_first_on_path__uses_a_fitting_one(checkout: Path) -> None:
    done = _install(checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    version = subprocess.run(
        [checkout / ".venv/bin/python", "-c", "import sys; print(sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert version.stdout.strip() == str(sys.version_info[:2])


def test_install__a_second_time__does_nothing(checkout: Path) -> None:
    _install(checkout)
    done = _install(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_install__changed_requirements__installs_again(checkout: Path) -> None:
    _install(checkout)
    (checkout / "requirements" / "local.txt").write_text("# another pin\n")
    assert "installing requirements/local.txt" in _install(checkout).stdout


def test_install__no_network__is_told_in_one_line(checkout: Path) -> None:
    (checkout / "requirements" / "local.txt").write_text(PACKAGE)
    done = _install(checkout, PIP_NO_INDEX="", PIP_INDEX_URL=UNREACHABLE, PIP_RETRIES="0")
    assert done.returncode == 1
    assert done.stderr == (
        "error: no network: the packages cannot be fetched (details in var/install.log)\n"
    )


def test_install__a_broken_environment__is_made_anew(checkout: Path) -> None:
    _install(checkout)
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python")
    assert _install(checkout).returncode == 0
    assert python.exists()


def _install(checkout: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    programs = checkout / "programs"
    programs.mkdir(exist_ok=True)
    for name in ("python3", "python"):
        path = programs / name
        path.write_text(TOO_OLD)
        path.chmod(0o755)
    fitting = programs / f"python3.{sys.version_info.minor}"
    if not fitting.is_symlink():
        fitting.symlink_to(os.path.realpath(sys.executable))
    environment = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(checkout),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    return subprocess.run(
        [checkout / "requirements" / "install.sh", "local"],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
