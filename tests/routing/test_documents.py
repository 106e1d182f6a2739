"""Published documents: sealed for their owner, kept on disk, never a secret in clear."""

import base64
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import redis
from redis.exceptions import RedisError

from apps.core.scoping import all_tenants
from apps.routing import documents
from apps.routing.documents import (
    PLATFORM,
    Document,
    document_key,
    keep_on_disk,
    owner_of,
    publish_document,
    read_document,
)
from apps.routing.snapshot import build_connections, build_records
from tests.factories.providers import SECRET, make_credential, make_deployment, make_model
from tests.factories.routing import make_site, publish

pytestmark = pytest.mark.usefixtures("closes_redis")
TENANT, OTHER = owner_of(UUID(int=1)), owner_of(UUID(int=2))


def make_document(owner: str = TENANT, version: int = 1, name: str = "VIP") -> Document:
    return Document(owner, version, {"rules": [{"name": name}]}, {"d1": {"base_url": "https://x"}})


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every read on the hot path fail."""

    class Away:
        async def get(self, _key: str) -> bytes:
            raise RedisError("away")

    monkeypatch.setattr(documents, "hot_redis", Away)


@pytest.mark.parametrize("owner", [TENANT, PLATFORM])
async def test_document__published__is_read_back_whole(owner: str) -> None:
    document = make_document(owner)
    publish_document(document)
    assert await read_document(owner) == document


async def test_document__never_published__is_none() -> None:
    assert await read_document(TENANT) is None


async def test_document__in_redis__says_nothing_to_a_reader(redis_client: redis.Redis) -> None:
    publish_document(make_document())
    sealed: Any = redis_client.get(document_key(TENANT))
    for text in (b"VIP", b"https://x", b"rules"):
        assert text not in sealed
        assert text not in base64.urlsafe_b64decode(sealed.split(b".")[2])


@pytest.mark.parametrize("place", [0, 20, -10])
async def test_document__tampered_with__is_refused(redis_client: redis.Redis, place: int) -> None:
    publish_document(make_document())
    sealed: Any = redis_client.get(document_key(TENANT))
    head, body = sealed[: sealed.rindex(b".") + 1], sealed[sealed.rindex(b".") + 1 :]
    data = bytearray(base64.urlsafe_b64decode(body))
    data[place] ^= 1
    redis_client.set(document_key(TENANT), head + base64.urlsafe_b64encode(bytes(data)))
    assert await read_document(TENANT) is None


@pytest.mark.parametrize("sealed", ["", "x", "v1.nobody.AAAA", "v9.test.AAAA", "v1.test.%%%"])
async def test_document__replaced_by_rubbish__is_refused(
    redis_client: redis.Redis, sealed: str
) -> None:
    redis_client.set(document_key(TENANT), sealed)
    assert await read_document(TENANT) is None


@pytest.mark.parametrize("victim", [OTHER, PLATFORM], ids=["tenant", "platform"])
async def test_document__of_another_owner__is_refused(
    redis_client: redis.Redis, victim: str
) -> None:
    publish_document(make_document(TENANT))
    sealed: Any = redis_client.get(document_key(TENANT))
    redis_client.set(document_key(victim), sealed)
    assert await read_document(victim) is None


# --- the copy on disk --------------------------------------------------------------------------


async def test_disk__redis_empty__is_read() -> None:
    keep_on_disk(make_document(version=5))
    assert await read_document(TENANT) == make_document(version=5)


async def test_disk__redis_away__is_read(no_redis: None) -> None:
    keep_on_disk(make_document(version=5))
    assert await read_document(TENANT) == make_document(version=5)


async def test_disk__redis_has_one__is_not_read() -> None:
    keep_on_disk(make_document(version=9))
    publish_document(make_document(version=2))
    document = await read_document(TENANT)
    assert document is not None
    assert document.version == 2


async def test_disk__file_of_another_owner__is_refused(settings: Any) -> None:
    keep_on_disk(make_document(TENANT))
    folder: Path = settings.SNAPSHOT_DIR
    (folder / f"{TENANT}.sealed").rename(folder / f"{OTHER}.sealed")
    assert await read_document(OTHER) is None


def test_disk__written_again__leaves_one_file(settings: Any) -> None:
    for version in (1, 2):
        keep_on_disk(make_document(version=version))
    folder: Path = settings.SNAPSHOT_DIR
    assert [path.name for path in folder.iterdir()] == [f"{TENANT}.sealed"]


async def test_disk__cannot_be_written__is_not_fatal(settings: Any, tmp_path: Path) -> None:
    settings.SNAPSHOT_DIR = tmp_path / "file" / "snapshots"
    (tmp_path / "file").touch()
    keep_on_disk(make_document())
    assert await read_document(TENANT) is None


@pytest.mark.django_db
def test_secrets__of_published_credentials__are_nowhere_in_clear(
    redis_client: redis.Redis, settings: Any
) -> None:
    site = make_site()
    credential = make_credential(tenant=site.tenant)
    model = make_model(provider=credential.provider)
    make_deployment(model, tenant=site.tenant, credential=credential)
    publish(site.tenant)
    with all_tenants("tests"):
        records = build_records(site.tenant_id)
        connections = build_connections(site.tenant_id)
    assert [item["ciphertext"] for item in connections.values()] == [credential.ciphertext]
    owner = owner_of(site.tenant_id)
    keep_on_disk(Document(owner, 1, records, connections))
    kept = (settings.SNAPSHOT_DIR / f"{owner}.sealed").read_bytes()
    in_redis = b"".join(_values(redis_client))
    for text in (SECRET, credential.ciphertext):
        assert text.encode() not in kept
        assert text.encode() not in in_redis
    assert SECRET not in f"{records}{connections}"
    assert credential.ciphertext not in f"{records}"


def _values(client: redis.Redis) -> list[bytes]:
    keys: Any = client.keys()
    dumps: list[Any] = [client.dump(key) for key in keys]
    return [dump or b"" for dump in dumps]
