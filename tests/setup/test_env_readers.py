"""Settings are read with their types, secrets from files, and faults are told all at once."""

import base64
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from router_project.env import Environment

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
SCHEMES = frozenset({"redis", "rediss"})


def test_text__given__is_stripped() -> None:
    assert Environment({"NAME": "  router "}).text("NAME") == "router"


def test_text__absent_without_default__is_a_fault() -> None:
    reader = Environment({})
    assert reader.text("NAME") == ""
    assert reader.faults == ["NAME is not set"]


def test_text__absent_with_default__is_the_default() -> None:
    reader = Environment({"NAME": ""})
    assert reader.text("NAME", "router") == "router"
    assert reader.faults == []


def test_secret__from_a_file__is_its_stripped_text(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("from-a-file\n", encoding="utf-8")
    reader = Environment({"SECRET_KEY_FILE": str(path)})
    assert reader.secret("SECRET_KEY") == "from-a-file"
    assert reader.faults == []


def test_secret__both_ways__is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("x", encoding="utf-8")
    reader = Environment({"SECRET_KEY": "y", "SECRET_KEY_FILE": str(path)})
    reader.secret("SECRET_KEY")
    assert reader.faults == ["SECRET_KEY and SECRET_KEY_FILE are both set; keep one"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "SECRET_KEY_FILE cannot be read: No such file or directory"),
        (b"", "SECRET_KEY_FILE points to an empty file"),
        (b"\xff\xfe", "SECRET_KEY_FILE cannot be read: it is not UTF-8 text"),
    ],
)
def test_secret__a_bad_file__is_a_fault(tmp_path: Path, content: bytes | None, fault: str) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    reader = Environment({"SECRET_KEY_FILE": str(path)})
    assert reader.secret("SECRET_KEY") == ""
    assert reader.faults == [fault]


@pytest.mark.parametrize(
    ("value", "expected", "fault"),
    [
        ("12", 12, None),
        ("", 5, None),
        ("many", 5, "WORKERS must be a whole number, not 'many'"),
        ("0", 5, "WORKERS must be at least 1, not 0"),
    ],
)
def test_integer__any_value__is_a_number_or_a_fault(
    value: str, expected: int, fault: str | None
) -> None:
    reader = Environment({"WORKERS": value})
    assert reader.integer("WORKERS", 5, minimum=1) == expected
    assert reader.faults == ([fault] if fault else [])


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("ON", True), ("1", True), ("no", False), ("0", False), ("", False)],
)
def test_boolean__a_known_word__is_understood(value: str, expected: bool) -> None:
    assert Environment({"FLAG": value}).boolean("FLAG", default=not expected) is expected


def test_boolean__another_word__is_a_fault_and_the_default() -> None:
    reader = Environment({"FLAG": "perhaps"})
    assert reader.boolean("FLAG", default=True)
    assert reader.faults == ["FLAG must be true or false, not 'perhaps'"]


def test_url__another_scheme__is_a_fault_that_hides_the_password() -> None:
    reader = Environment({"REDIS_URL": "http://user:hunter2@cache"})
    reader.url("REDIS_URL", schemes=SCHEMES)
    assert reader.faults == ["REDIS_URL must start with redis:// or rediss://"]


def test_choice__another_word__is_a_fault() -> None:
    reader = Environment({"LOG_FORMAT": "xml"})
    assert reader.choice("LOG_FORMAT", "json", allowed=frozenset({"json", "console"})) == "json"
    assert reader.faults == ["LOG_FORMAT must be one of console, json, not 'xml'"]


def test_encryption_keys__in_order__keep_it() -> None:
    other = base64.urlsafe_b64encode(bytes(range(1, 33))).decode().rstrip("=")
    reader = Environment({"CREDENTIAL_KEYS": f"new:{KEY}, old:{other}"})
    assert list(reader.encryption_keys("CREDENTIAL_KEYS")) == ["new", "old"]
    assert reader.faults == []


@pytest.mark.parametrize("pair", ["novalue", "id:short", f":{KEY}", f"id:{KEY}!!"])
def test_encryption_keys__a_malformed_entry__is_a_fault_without_the_key(pair: str) -> None:
    reader = Environment({"CREDENTIAL_KEYS": pair})
    reader.encryption_keys("CREDENTIAL_KEYS")
    assert reader.faults == ["CREDENTIAL_KEYS: entry 1 is not id:<32 bytes in base64url>"]


def test_encryption_keys__an_id_twice__is_a_fault() -> None:
    reader = Environment({"CREDENTIAL_KEYS": f"a:{KEY},a:{KEY}"})
    reader.encryption_keys("CREDENTIAL_KEYS")
    assert reader.faults == ["CREDENTIAL_KEYS: the id 'a' is used twice"]


def test_faults__several__are_refused_in_one_list() -> None:
    reader = Environment({"FLAG": "perhaps"})
    reader.boolean("FLAG", default=True)
    reader.require("A", "B")
    with pytest.raises(ImproperlyConfigured) as caught:
        reader.refuse_faults()
    assert str(caught.value).splitlines() == [
        "The environment has 3 fault(s):",
        "  - FLAG must be true or false, not 'perhaps'",
        "  - A is not set",
        "  - B is not set",
    ]
