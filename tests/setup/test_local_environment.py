"""Development secrets and the environment of a local run."""

import stat
from pathlib import Path

from router_project.env import Environment
from router_project.local.environment import is_given, local_environment
from router_project.local.secrets import development_secrets

DATABASE = "postgresql://llm_router@/llm_router?host=/run/x"
REDIS = "unix:///run/x/valkey.sock?db=0"


def test_secrets__made_once__are_kept(tmp_path: Path) -> None:
    assert development_secrets(tmp_path) == development_secrets(tmp_path)


def test_secrets__of_two_checkouts__differ(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = development_secrets(tmp_path / "a"), development_secrets(tmp_path / "b")
    assert all(first[name] != second[name] for name in first)


def test_secrets__on_disk__are_for_the_owner_only(tmp_path: Path) -> None:
    development_secrets(tmp_path)
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.json"]


def test_secrets__as_settings_read_them__have_no_fault(tmp_path: Path) -> None:
    reader = Environment(development_secrets(tmp_path))
    reader.require("SECRET_KEY", "API_KEY_PEPPER")
    assert len(reader.encryption_keys("CREDENTIAL_KEYS")) == 1
    assert reader.faults == []


def test_environment__nothing_given__is_complete(tmp_path: Path) -> None:
    made = local_environment(tmp_path, DATABASE, REDIS, given={})
    assert made["DATABASE_URL"] == DATABASE
    assert made["PUBLIC_BASE_URL"] == "http://localhost:8000"
    assert made["STATE_DIR"] == str(tmp_path)
    assert {"SECRET_KEY", "API_KEY_PEPPER", "CREDENTIAL_KEYS", "REDIS_URL", "PORT"} <= made.keys()


def test_environment__what_the_person_set__wins(tmp_path: Path) -> None:
    given = {"DATABASE_URL": "postgresql://mine@db/mine", "SECRET_KEY": "mine", "PORT": "9000"}
    made = local_environment(tmp_path, DATABASE, REDIS, given=given)
    assert made | given == made
    assert made["COOKIE_PREFIX"] == "router_9000"


def test_environment__an_empty_variable__counts_as_not_set(tmp_path: Path) -> None:
    made = local_environment(tmp_path, DATABASE, REDIS, given={"PORT": "", "REDIS_URL": ""})
    assert (made["PORT"], made["REDIS_URL"]) == ("8000", REDIS)


def test_environment__a_secret_in_a_file__is_not_given_twice(tmp_path: Path) -> None:
    given = {"SECRET_KEY_FILE": "/run/secrets/key", "DATABASE_URL_FILE": "/run/secrets/db"}
    made = local_environment(tmp_path, DATABASE, REDIS, given=given)
    assert not {"SECRET_KEY", "DATABASE_URL"} & made.keys()
    assert is_given("DATABASE_URL", given)
    assert not is_given("REDIS_URL", given)
