"""Lists of models in the words of each vendor's client. T14."""

from collections.abc import Iterator, Mapping

import pytest

from apps.api_keys.services import CreatedKey
from apps.core.database import in_database
from apps.core.errors import InvalidRequest
from apps.gateway.wire.model_lists import ANTHROPIC, GEMINI, OPENAI, ListedModel, ModelLists
from tests.factories.keys import make_key
from tests.factories.routing import Site, make_alias, publish
from tests.gateway.asgi_client import get

NAMES = ("a", "b/b", "c:c", "d", "e")
MODELS = tuple(ListedModel(name, "maker", "active", 1_000, 100) for name in NAMES)


def names_of(lists: ModelLists, query: Mapping[str, str]) -> list[str]:
    body = lists.render_all(MODELS, query)
    return [one.get("id") or one["name"] for one in body.get("data") or body["models"]]


def test_t14__openai__lists_all_at_once() -> None:
    body = OPENAI.render_all(MODELS, {})
    assert body["object"] == "list"
    assert body["data"][0] == {"id": "a", "object": "model", "created": 0, "owned_by": "maker"}
    assert names_of(OPENAI, {}) == list(NAMES)


def test_t14__anthropic__pages_after_and_before_an_id() -> None:
    body = ANTHROPIC.render_all(MODELS, {"limit": "2"})
    assert (body["has_more"], body["first_id"], body["last_id"]) == (True, "a", "b/b")
    assert body["data"][0] == {
        "type": "model",
        "id": "a",
        "display_name": "a",
        "created_at": "1970-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 1_000,
        "max_tokens": 100,
    }
    last = ANTHROPIC.render_all(MODELS, {"limit": "2", "after_id": "d"})
    assert (last["has_more"], last["first_id"], last["last_id"]) == (False, "e", "e")
    assert names_of(ANTHROPIC, {"limit": "2", "before_id": "d"}) == ["b/b", "c:c"]
    assert ANTHROPIC.render_all(MODELS, {"limit": "2", "before_id": "d"})["has_more"]
    assert not ANTHROPIC.render_all(MODELS, {"limit": "2", "before_id": "c:c"})["has_more"]
    assert names_of(ANTHROPIC, {"after_id": "a", "before_id": "d"}) == ["b/b", "c:c"]


def test_t14__anthropic__page_that_is_empty__has_no_ids() -> None:
    body = ANTHROPIC.render_all((), {})
    assert body == {"data": [], "has_more": False, "first_id": None, "last_id": None}


def test_t14__gemini__pages_by_token_until_there_is_none() -> None:
    assert list(_gemini_pages(2)) == [
        ["models/a", "models/b/b"],
        ["models/c:c", "models/d"],
        ["models/e"],
    ]
    assert list(_gemini_pages(5)) == [[f"models/{name}" for name in NAMES]]
    assert GEMINI.render_one(MODELS[0]) == {
        "name": "models/a",
        "version": "1",
        "displayName": "a",
        "inputTokenLimit": 1_000,
        "outputTokenLimit": 100,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
    }
    vectors = GEMINI.render_one(ListedModel("v", "maker", makes_vectors=True))
    assert vectors["supportedGenerationMethods"] == ["embedContent", "batchEmbedContents"]


def _gemini_pages(size: int) -> Iterator[list[str]]:
    query = {"pageSize": str(size)}
    while True:
        yield names_of(GEMINI, query)
        token = GEMINI.render_all(MODELS, query).get("nextPageToken")
        if token is None:
            return
        query["pageToken"] = token


@pytest.mark.parametrize(
    ("lists", "query", "param"),
    [
        (ANTHROPIC, {"limit": "0"}, "limit"),
        (ANTHROPIC, {"limit": "1001"}, "limit"),
        (ANTHROPIC, {"limit": "many"}, "limit"),
        (ANTHROPIC, {"after_id": "nobody"}, "after_id"),
        (ANTHROPIC, {"before_id": "nobody"}, "before_id"),
        (GEMINI, {"pageSize": "-1"}, "pageSize"),
        (GEMINI, {"pageToken": "§"}, "pageToken"),
        (GEMINI, {"pageToken": "bm9ib2R5"}, "pageToken"),
    ],
)
def test_t14__faulty_query__is_named(lists: ModelLists, query: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as told:
        lists.render_all(MODELS, query)
    assert told.value.param == param


# --- Over HTTP ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
async def test_t14__list__is_in_the_words_of_who_asks(
    key: CreatedKey, event_loop_clients: None
) -> None:
    openai = (await get("/v1/models", key.clear)).json()
    assert {"auto", "sim-small"} <= {one["id"] for one in openai["data"]}
    for headers in ({"anthropic_version": "2023-06-01"}, {"x_api_key": key.clear}):
        answer = (await get("/v1/models?limit=1", key.clear, **headers)).json()
        assert answer["data"][0]["type"] == "model"
        assert answer["has_more"] is True
    gemini = (await get("/v1/models?pageSize=1", x_goog_api_key=key.clear)).json()
    assert gemini["models"][0]["name"] == "models/auto"
    assert gemini["nextPageToken"]


@pytest.mark.django_db(transaction=True)
async def test_t14__single_model__is_found_by_any_name_and_else_a_404_in_the_dialect(
    key: CreatedKey, event_loop_clients: None
) -> None:
    known = (await get("/v1/models/sim-small", key.clear)).json()
    assert (known["id"], known["owned_by"]) == ("sim-small", "simulated")
    version = {"anthropic_version": "2023-06-01"}
    record = (await get("/v1/models/sim-small", key.clear, **version)).json()
    assert (record["id"], record["max_tokens"]) == ("sim-small", 4_096)
    for name in ("org/of/nobody", "nobody:latest"):
        refused = await get(f"/v1/models/{name}", key.clear)
        assert refused.status == 404
        assert refused.json()["error"]["code"] == "model_not_found"
        told = await get(f"/v1/models/{name}", key.clear, **version)
        assert told.status == 404
        assert told.json()["error"]["type"] == "not_found_error"


@pytest.mark.django_db(transaction=True)
async def test_t14__names__may_have_slashes_and_colons_and_are_hidden_from_who_may_not(
    site: Site, event_loop_clients: None
) -> None:
    names = ("team/fast", "fast:latest")
    for name in names:
        await in_database(make_alias, site.tenant, name)
    await in_database(publish, site.tenant)
    may, may_not = [
        await in_database(make_key, site.project, allowed_models=[*allowed])
        for allowed in (names, ("sim-small",))
    ]
    for name in names:
        for headers in ({}, {"anthropic_version": "2023-06-01"}):
            assert (await get(f"/v1/models/{name}", may.clear, **headers)).json()["id"] == name
            assert (await get(f"/v1/models/{name}", may_not.clear, **headers)).status == 404
        by_gemini = await get(f"/v1/models/{name}", x_goog_api_key=may.clear)
        assert by_gemini.json()["name"] == f"models/{name}"
    listed = (await get("/v1/models", may_not.clear)).json()["data"]
    assert [one["id"] for one in listed] == ["sim-small"]
