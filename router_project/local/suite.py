"""The checks and tests behind `make test`, `test-full`, `lint`, `types`, `format` and `bench`."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from router_project.local.checks import Check, run_checks
from router_project.local.chromium import VARIABLE as CHROMIUM_VARIABLE
from router_project.local.chromium import find_chromium, install_command
from router_project.local.console import Refusal, say
from router_project.local.places import CHECKOUT
from router_project.local.throwaway import throwaway_servers

PROGRAMS = Path(sys.executable).parent
WORKERS = os.environ.get("TEST_WORKERS", "2")
# A folder whose tests are all deselected by marker is no failure.
NOTHING_COLLECTED = frozenset({5})
# Folders that are no group of their own: no tests in them.
NO_GROUPS = frozenset({"factories", "load", "__pycache__"})
CLIENTS = "tests/clients"
ENGINE = "apps.routing.engine"
ENGINE_TESTS = "tests/engine"
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
# What a shell has set for `make run` must not reach the suite, which writes and empties.
PRODUCT_VARIABLES = frozenset(
    {
        *("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "SECRET_KEY", "API_KEY_PEPPER"),
        *("CREDENTIAL_KEYS", "ALLOWED_HOSTS", "PUBLIC_BASE_URL", "PORT", "HOST", "WEB_WORKERS"),
        *("MFA_REQUIRED", "LOG_LEVEL", "LOG_FORMAT", "STATE_DIR", "COOKIE_PREFIX", "SERVER"),
        *("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
        *("DATABASE_POOL_SIZE", "TRUST_PROXY_HEADERS", "OUTBOUND_ALLOW_PRIVATE", "EMAIL_HOST"),
    }
)


def test(arguments: Sequence[str]) -> int:
    """Run everything that CI runs; arguments go to pytest."""
    browser = _browser()
    # Client libraries with packages of their own take minutes to install.
    markers = ["not load", "not clients", *([] if browser else ["not browser"])]
    with _surroundings(browser) as environment:
        tests = [_tests(markers, *arguments)] if arguments else [_engine(), _others(markers)]
        checks = (*lint_checks(), _types(), *_project_checks(), *tests)
        return run_checks(checks, environment)


def test_full(arguments: Sequence[str]) -> int:
    """Run all tests at full scale, one group after the other."""
    browser = _browser()
    markers = ["not load", *([] if browser else ["not browser"])]
    with _surroundings(browser) as environment:
        checks = [
            Check(
                folder.name,
                _pytest(markers, *arguments, str(folder)),
                {"TEST_SCALE": "full"},
                NOTHING_COLLECTED,
            )
            for folder in groups()
        ]
        return run_checks(checks, environment)


def lint(_arguments: Sequence[str]) -> int:
    """Check form, lint, templates and import contracts."""
    return run_checks(lint_checks(), clean_environment())


def types(_arguments: Sequence[str]) -> int:
    """Check types."""
    return run_checks((_types(),), clean_environment())


def format_code(_arguments: Sequence[str]) -> int:
    """Format Python and templates, and apply the fixes that lint calls safe."""
    checks = [
        Check("fix", _ruff("check", "--fix-only", "--quiet", ".")),
        Check("format", _ruff("format", ".")),
    ]
    if templates := template_files():
        # djade reports that it changed something with status 1.
        checks.append(Check("templates", _djade(templates), accepted=frozenset({1})))
    return run_checks(checks, clean_environment())


def bench(arguments: Sequence[str]) -> int:
    """Print the figures of the load tests; arguments go to pytest and may name one of them."""
    with _surroundings(None) as environment:
        command = [*_python("pytest"), "-m", "load", "-s", "-q", *(arguments or ["tests/load"])]
        return run_checks((Check("figures", command),), environment)


def messages(_arguments: Sequence[str]) -> int:
    """Collect strings into the catalogues and compile them."""
    command = [*_python("manage.py", is_module=False), "update_catalogues"]
    return run_checks((Check("messages", command),), clean_environment())


def lock(_arguments: Sequence[str]) -> int:
    """Pin the requirements with hashes, without the address of any package index."""
    options = ["--universal", "--generate-hashes", "--no-emit-index-url", "--python-version"]
    options += ["3.12", "--override", "requirements/overrides.txt", "--quiet"]
    compile_command = [str(PROGRAMS / "uv"), "pip", "compile", *options]
    checks = [
        Check(name, [*compile_command, f"requirements/{name}.in", "-o", f"requirements/{name}.txt"])
        for name in ("base", "local", "dev")
    ]
    return run_checks([*checks, *_client_locks(compile_command)], clean_environment())


def _client_locks(compile_command: Sequence[str]) -> Iterator[Check]:
    """Yield what pins the packages of the client libraries that judge the router."""
    for folder in sorted(path.relative_to(CHECKOUT) for path in (CHECKOUT / CLIENTS).glob("*-*")):
        if (CHECKOUT / folder / "package.json").exists():
            install = ["npm", "install", "--package-lock-only", "--ignore-scripts", "--prefix"]
            yield Check(folder.name, [*install, str(folder)])
        else:
            locked = folder / "requirements.txt"
            source = str(folder / "requirements.in")
            yield Check(folder.name, [*compile_command, source, "-o", str(locked)])


def lint_checks() -> tuple[Check, ...]:
    """Return the checks that read the code without running it."""
    checks = [
        Check("format", _ruff("format", "--check", ".")),
        Check("lint", _ruff("check", ".")),
        Check("imports", [str(PROGRAMS / "lint-imports"), "--no-logo"]),
    ]
    if templates := template_files():
        checks.insert(2, Check("templates", [*_djade(templates, "--check")]))
    return tuple(checks)


def groups() -> list[Path]:
    """Return the folders of tests that run on their own, by name."""
    folders = (path for path in (CHECKOUT / "tests").iterdir() if path.is_dir())
    return sorted(
        path.relative_to(CHECKOUT)
        for path in folders
        if path.name not in NO_GROUPS and any(path.rglob("test_*.py"))
    )


def template_files() -> list[str]:
    """Return the project's own templates."""
    found = [*CHECKOUT.glob("templates/**/*.html"), *CHECKOUT.glob("apps/*/templates/**/*.html")]
    return sorted(str(path.relative_to(CHECKOUT)) for path in found)


def clean_environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment without what belongs to a running product."""
    kept = {
        name: value
        for name, value in given.items()
        if name.removesuffix("_FILE") not in PRODUCT_VARIABLES
    }
    chosen = {"DATABASE_URL": "TEST_DATABASE_URL", "REDIS_URL": "TEST_REDIS_URL"}
    named = {name: given[source] for name, source in chosen.items() if given.get(source)}
    return kept | named | {"DJANGO_SETTINGS_MODULE": "router_project.settings.test"}


def _project_checks() -> tuple[Check, ...]:
    manage = _python("manage.py", is_module=False)
    return (
        Check("migrations", [*manage, "makemigrations", "--check", "--dry-run"]),
        Check("translations", [*manage, "check_catalogues"]),
    )


def _types() -> Check:
    return Check("types", [*_python("mypy"), "--pretty"])


def _tests(markers: Sequence[str], *arguments: str) -> Check:
    return Check("tests", _pytest(markers, *arguments))


def _engine() -> Check:
    """Its own tests must reach every branch of the engine."""
    coverage = [f"--cov={ENGINE}", "--cov-branch", "--cov-fail-under=100"]
    report = ["--cov-report=term-missing:skip-covered"]
    return Check("engine", _pytest(["not load"], *coverage, *report, ENGINE_TESTS))


def _others(markers: Sequence[str]) -> Check:
    return _tests(markers, f"--ignore={ENGINE_TESTS}")


def _pytest(markers: Sequence[str], *arguments: str) -> list[str]:
    colour = "--color=yes" if sys.stdout.isatty() else "--color=auto"
    spread = ["-n", WORKERS, "--dist", "loadfile"]
    return [*_python("pytest"), *spread, colour, "-m", " and ".join(markers), *arguments]


def _ruff(*arguments: str) -> list[str]:
    return [str(PROGRAMS / "ruff"), *arguments]


def _djade(templates: Sequence[str], *options: str) -> list[str]:
    return [str(PROGRAMS / "djade"), "--target-version", "6.1", *options, *templates]


def _python(name: str, *, is_module: bool = True) -> list[str]:
    return [sys.executable, *(["-m"] if is_module else []), name]


def _browser() -> str | None:
    """Return the browser to test with, None when its tests are left out; raises Refusal."""
    if os.environ.get("BROWSER") == "none":
        if os.environ.get("CI", "").lower() in TRUE_WORDS:
            raise Refusal("BROWSER=none leaves tests out, which CI must not do.")
        say("the browser tests are left out (BROWSER=none)")
        return None
    found = find_chromium()
    if found is None:
        raise Refusal(
            f"The browser tests need Chromium: {install_command()} (or BROWSER=none make test)."
        )
    return found


@contextmanager
def _surroundings(browser: str | None) -> Iterator[dict[str, str]]:
    """Start the servers that all checks share; yield the environment of the checks."""
    environment = clean_environment()
    with ExitStack() as stack:
        state = stack.enter_context(tempfile.TemporaryDirectory(prefix="llm-router-state-"))
        site = stack.enter_context(
            throwaway_servers(
                postgres="DATABASE_URL" not in environment, valkey="REDIS_URL" not in environment
            )
        )
        environment.setdefault("DATABASE_URL", site.database_url)
        environment.setdefault("REDIS_URL", site.redis_url)
        environment["STATE_DIR"] = state
        if browser:
            environment[CHROMIUM_VARIABLE] = browser
        yield environment
