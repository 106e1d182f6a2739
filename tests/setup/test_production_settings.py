"""Production refuses a bad environment with one list; a good one passes Django's own check."""

import base64
import os
import secrets
import subprocess
import sys

import pytest

from router_project.local.places import CHECKOUT
from router_project.local.suite import clean_environment

PRODUCTION = {"DJANGO_SETTINGS_MODULE": "router_project.settings.production"}
GOOD = {
    "SECRET_KEY": secrets.token_urlsafe(64),
    "API_KEY_PEPPER": secrets.token_urlsafe(48),
    "CREDENTIAL_KEYS": f"2026:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}",
    "ALLOWED_HOSTS": "router.example.com",
    "PUBLIC_BASE_URL": "https://router.example.com",
    "DATABASE_URL": "postgresql://router@db.example.com/router",
    "REDIS_URL": "rediss://cache.example.com/0",
    "EMAIL_HOST": "smtp.example.com",
}


def test_start__nothing_set__lists_every_fault_at_once() -> None:
    done = _manage({}, "check")
    assert done.returncode == 1
    assert _faults(done) == {
        "ALLOWED_HOSTS is not set",
        "API_KEY_PEPPER is not set",
        "CREDENTIAL_KEYS is not set",
        "DATABASE_URL is not set",
        "PUBLIC_BASE_URL is not set",
        "REDIS_URL is not set",
        "SECRET_KEY is not set",
    }
    assert "Traceback" not in done.stderr


def test_start__everything_unsafe__lists_every_fault_and_no_secret() -> None:
    bad = GOOD | {
        "SECRET_KEY": "changeme-changeme",
        "API_KEY_PEPPER": "changeme-changeme",
        "CREDENTIAL_KEYS": f"old:{base64.urlsafe_b64encode(b'a' * 32).decode()},nonsense",
        "ALLOWED_HOSTS": "*",
        "PUBLIC_BASE_URL": "http://router.example.com",
        "DATABASE_URL": "postgresql://postgres:hunter2@db/router",
        "LOG_LEVEL": "LOUD",
        "MFA_REQUIRED": "perhaps",
    }
    done = _manage(bad, "check")
    assert done.returncode == 1
    assert _faults(done) == {
        "ALLOWED_HOSTS must name the hosts; '*' lets anyone forge links",
        "API_KEY_PEPPER is unsafe: use 32 or more random characters",
        "API_KEY_PEPPER must differ from SECRET_KEY",
        "CREDENTIAL_KEYS: entry 2 is not id:<32 bytes in base64url>",
        "CREDENTIAL_KEYS: the key 'old' is not random",
        "DATABASE_URL names a superuser, whom row-level security does not bind",
        "LOG_LEVEL must be one of DEBUG, ERROR, INFO, WARNING, not 'LOUD'",
        "MFA_REQUIRED must be true or false, not 'perhaps'",
        "PUBLIC_BASE_URL must start with https://",
        "SECRET_KEY is unsafe: use 50 or more random characters",
    }
    assert "hunter2" not in done.stderr
    assert "changeme" not in done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "CREDENTIAL_KEYS"])
def test_start__one_missing__names_it(name: str) -> None:
    done = _manage({key: value for key, value in GOOD.items() if key != name}, "check")
    assert done.returncode == 1
    assert _faults(done) == {f"{name} is not set"}


def test_check_deploy__under_a_good_environment__is_clean() -> None:
    done = _manage(GOOD, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def _manage(values: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = clean_environment(os.environ)
    for name in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *arguments],
        cwd=CHECKOUT,
        env=environment | PRODUCTION | values,
        capture_output=True,
        text=True,
        check=False,
    )


def _faults(done: "subprocess.CompletedProcess[str]") -> set[str]:
    lines = done.stderr.splitlines()
    return {line.removeprefix("  - ") for line in lines if line.startswith("  - ")}
