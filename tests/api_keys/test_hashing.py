"""Keys: their shape, their proof, and that the clear text stays nowhere."""

import logging
import re
from typing import Any

import pytest
import redis
from django.core.serializers import serialize
from hypothesis import given
from hypothesis import strategies as st

from apps.api_keys import hashing
from apps.api_keys.hashing import KeyParts, digest_of, is_genuine, new_key, parse_key
from apps.api_keys.lookup import authenticate
from apps.api_keys.models import ApiKey
from apps.audit.models import AuditEntry
from apps.core.database import in_database
from apps.core.scoping import all_tenants
from tests.factories.keys import make_key

SHAPE = re.compile(r"llmr_[A-Za-z0-9]{12}_[A-Za-z0-9_-]{43}")


def test_new_key__by_shape__has_twelve_and_forty_three_characters() -> None:
    for _ in range(100):
        parts = new_key()
        assert SHAPE.fullmatch(parts.clear)
        assert parse_key(parts.clear) == parts


def test_new_key__made_often__never_repeats() -> None:
    made = [new_key() for _ in range(500)]
    assert len({parts.lookup for parts in made}) == 500
    assert len({parts.secret for parts in made}) == 500


@given(st.text())
def test_parse__of_any_text__takes_only_our_shape(text: str) -> None:
    assert (parse_key(text) is not None) == bool(SHAPE.fullmatch(text))


@pytest.mark.parametrize("change", [" {}", "{} ", "{}\n", "x{}", "{}x", "Bearer {}"])
def test_parse__key_with_something_around_it__is_refused(change: str) -> None:
    assert parse_key(change.format(new_key().clear)) is None


def test_digest__of_a_key__depends_on_look_up_secret_and_pepper(settings: Any) -> None:
    parts = new_key()
    digest = digest_of(parts)
    assert re.fullmatch(r"[0-9a-f]{64}", digest)
    assert is_genuine(parts, digest)
    assert not is_genuine(KeyParts(parts.lookup, new_key().secret), digest)
    assert not is_genuine(KeyParts(new_key().lookup, parts.secret), digest)
    settings.API_KEY_PEPPER = b"another pepper"
    assert not is_genuine(parts, digest)


def test_comparison__of_digests__goes_through_the_constant_time_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[str, str]] = []

    monkeypatch.setattr(hashing, "hmac", _Recorder(compared))
    parts = new_key()
    is_genuine(parts, "0" * 64)
    assert compared == [("digest", "0" * 64)]


class _Recorder:
    """Stands for the module `hmac`."""

    def __init__(self, compared: list[tuple[str, str]]) -> None:
        self._compared = compared

    def new(self, *_arguments: Any) -> Any:
        return type("Digest", (), {"hexdigest": lambda _self: "digest"})()

    def compare_digest(self, first: str, second: str) -> bool:
        self._compared.append((first, second))
        return False


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("event_loop_clients")
async def test_secret__after_creation_and_use__is_in_no_table_no_redis_and_no_log(
    redis_client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = await in_database(make_key)
    await authenticate(made.clear)
    parts = parse_key(made.clear)
    assert parts is not None
    kept = await in_database(_everything_stored)
    for name in redis_client.scan_iter():
        kept += str(redis_client.dump(name))
    kept += caplog.text
    assert parts.lookup in kept
    assert parts.secret not in kept


def _everything_stored() -> str:
    with all_tenants("tests"):
        return str(serialize("json", [*ApiKey.objects.all(), *AuditEntry.objects.all()]))
