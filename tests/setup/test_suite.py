"""The sequence behind `make test`: all of it runs, and nothing of the shell leaks in."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from router_project.local import chromium, suite
from router_project.local.checks import Check, run_checks
from router_project.local.console import Refusal

OK = [sys.executable, "-c", "print('3 passed')"]
BAD = [sys.executable, "-c", "print('1 failed'); raise SystemExit(1)"]


def test_run_checks__one_fails__runs_the_others_and_tells_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks = [Check("lint", BAD), Check("tests", OK)]
    assert run_checks(checks, os.environ) == 1
    output = capsys.readouterr().out
    assert "[1/2] lint:" in output
    assert "[2/2] tests:" in output
    assert "lint   FAILED" in output
    assert "tests  ok" in output
    assert "1 of 2 failed: lint" in output


def test_run_checks__all_good__is_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_checks([Check("tests", OK)], os.environ) == 0
    assert capsys.readouterr().out.endswith("all ok\n")


def test_run_checks__an_accepted_status__is_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_checks([Check("empty", BAD, accepted=frozenset({1}))], os.environ) == 0
    assert "empty  ok" in capsys.readouterr().out


def test_run_checks__a_variable_of_one_check__reaches_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = [sys.executable, "-c", "import os; print(os.environ['TEST_SCALE'])"]
    assert run_checks([Check("scale", command, {"TEST_SCALE": "full"})], os.environ) == 0
    assert "\nfull\n" in capsys.readouterr().out


def test_environment__of_the_suite__holds_nothing_of_a_running_product() -> None:
    given = {
        "PATH": "/bin",
        "REDIS_URL": "redis://precious/0",
        "DATABASE_URL_FILE": "/run/secrets/db",
        "OPENAI_API_KEY": "sk-real",
        "DJANGO_SETTINGS_MODULE": "router_project.settings.production",
    }
    assert suite.clean_environment(given) == {
        "PATH": "/bin",
        "DJANGO_SETTINGS_MODULE": "router_project.settings.test",
    }


def test_environment__servers_named_for_tests__are_used() -> None:
    given = {"TEST_DATABASE_URL": "postgresql://ci@db/ci", "TEST_REDIS_URL": "redis://ci/0"}
    made = suite.clean_environment(given)
    assert (made["DATABASE_URL"], made["REDIS_URL"]) == (
        "postgresql://ci@db/ci",
        "redis://ci/0",
    )


def test_groups__of_the_full_run__are_the_folders_with_tests() -> None:
    names = [folder.name for folder in suite.groups()]
    assert {"setup", "architecture", "clients"} <= set(names)
    assert not {"load", "factories"} & set(names)
    assert names == sorted(names)


def test_test__without_chromium__refuses_in_one_line_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr(suite, "find_chromium", lambda: None)
    monkeypatch.setattr(suite, "install_command", lambda: "apt-get install chromium")
    with pytest.raises(Refusal, match=r"^The browser tests need Chromium: apt-get install[^\n]*$"):
        suite.test(())


@pytest.mark.parametrize("value", ["true", "1", "True"])
def test_test__without_a_browser_on_ci__is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("BROWSER", "none")
    monkeypatch.setenv("CI", value)
    with pytest.raises(Refusal, match="which CI must not do"):
        suite.test(())


def test_test__without_a_browser__leaves_its_tests_out_and_keeps_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BROWSER", "none")
    monkeypatch.delenv("CI", raising=False)
    checks = _checks_of(monkeypatch)
    names = [check.name for check in checks]
    assert [name for name in names if name != "templates"] == [
        *("format", "lint", "imports", "types", "migrations", "translations", "engine", "tests")
    ]
    command = list(checks[-1].command)
    assert command[command.index("-m", 3) + 1] == "not load and not clients and not browser"


def test_test__with_a_browser__runs_its_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr(suite, "find_chromium", lambda: "/usr/bin/chromium")
    command = list(_checks_of(monkeypatch)[-1].command)
    assert command[command.index("-m", 3) + 1] == "not load and not clients"
    assert command[command.index("--dist") + 1] == "loadfile"


def test_test__engine__must_be_covered_whole_by_its_own_tests_which_run_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr(suite, "find_chromium", lambda: "/usr/bin/chromium")
    engine, others = _checks_of(monkeypatch)[-2:]
    assert {"--cov=apps.routing.engine", "--cov-branch", "--cov-fail-under=100"} <= {
        *engine.command
    }
    assert engine.command[-1] == "tests/engine"
    assert "--ignore=tests/engine" in others.command


def test_test__with_arguments__runs_what_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr(suite, "find_chromium", lambda: "/usr/bin/chromium")
    checks = _checks_of(monkeypatch, "tests/engine", "-k", "rules")
    assert checks[-1].name == "tests"
    assert "engine" not in [check.name for check in checks]
    assert list(checks[-1].command[-3:]) == ["tests/engine", "-k", "rules"]


def test_find_chromium__a_named_one__wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = tmp_path / "my-chromium"
    named.touch()
    monkeypatch.setenv("CHROMIUM", str(named))
    assert chromium.find_chromium() == str(named)
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "gone"))
    assert chromium.find_chromium() is None


def test_find_chromium__on_path__is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "chromium-browser"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.find_chromium() == str(program)


def _checks_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[Check]:
    """Return what `make test` would run, without running it."""
    seen: list[Check] = []

    @contextmanager
    def nowhere(_browser: str | None) -> Iterator[dict[str, str]]:
        yield {}

    def remember(checks: tuple[Check, ...], _environment: dict[str, str]) -> int:
        seen.extend(checks)
        return 0

    monkeypatch.setattr(suite, "_surroundings", nowhere)
    monkeypatch.setattr(suite, "run_checks", remember)
    assert suite.test(arguments) == 0
    return seen
