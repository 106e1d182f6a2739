"""Every door in front of every provider, case by case, over real sockets; tabled at the end."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import pytest

from apps.providers.wire_servers.scripts import SCRIPTS, TEXT, THOUGHT, Script, Tokens
from apps.providers.wire_servers.server import WireServer
from tests.doors.books import booked
from tests.doors.counts import counted_by, told_as
from tests.doors.entrances import DOORS, PNG, TOOL, Door, Question
from tests.doors.hearing import Heard
from tests.doors.raw_http import Json, Raw, post
from tests.factories.routed_site import ALL_MODELS, VECTOR_MODELS, RoutedSite
from tests.matrix import Matrix

pytestmark = pytest.mark.keeps_redis

# For each door: what fails and what breaks off, whole and streamed.
SPARES = 24
TABLE = "Doors x providers"
FORECAST = '{"city": "São Paulo", "celsius": 21}'
CALLS = [(call.name, dict(call.arguments)) for call in SCRIPTS["parallel_tools"].calls]
# Longer than a request waits.
AWAY_SECONDS = 60
COUNTED = Tokens(fresh=31, cached=11, cache_written=0, output=17, reasoning=3)


@dataclass(frozen=True, slots=True)
class Cell:
    """One door in front of one provider."""

    site: RoutedSite
    door: Door
    provider: str

    @property
    def server(self) -> WireServer:
        return self.site.server_of(self.provider)

    def ask(self, script: Script, *, is_spare: bool = False, **wanted: bool) -> Raw:
        """Put a question to the provider, who says this."""
        model = ALL_MODELS[self.provider]
        self.server.script = script
        question = Question(self.site.spare(model) if is_spare else model, **wanted)
        return self.door.ask(self.site.address, self.site.key, question)

    def hear(self, script: Script, **wanted: bool) -> Heard:
        """Return what came of it, which must be an answer."""
        raw = self.ask(script, **wanted)
        assert raw.status == 200, raw.body
        heard = self.door.hear(raw)
        assert not heard.error
        return heard


type Case = Callable[[Cell], None]


def says_text(cell: Cell, *, is_streamed: bool) -> None:
    heard = cell.hear(Script(), is_streamed=is_streamed)
    assert (heard.text, heard.end) == (TEXT, cell.door.end_of_text)


def calls_tools(cell: Cell, *, is_streamed: bool) -> None:
    heard = cell.hear(SCRIPTS["parallel_tools"], is_streamed=is_streamed, has_tools=True)
    assert (heard.calls, heard.end) == (CALLS, cell.door.end_of_tools)
    assert TOOL in json.dumps(cell.server.received[-1].body["tools"])


def shows_thoughts(cell: Cell, *, is_streamed: bool) -> None:
    # Mistral's models that think do so unasked; what its server does not know is its to refuse.
    is_asked = (cell.door, cell.provider) != (DOORS["openai chat"], "mistral")
    heard = cell.hear(SCRIPTS["thinking"], is_streamed=is_streamed, is_thoughtful=is_asked)
    assert (heard.thought.strip(), heard.text) == (THOUGHT, TEXT)


def sees_images(cell: Cell) -> None:
    cell.hear(Script(), has_image=True)
    assert PNG in json.dumps(cell.server.received[-1].body)


def keeps_schemas(cell: Cell) -> None:
    heard = cell.hear(Script(text=FORECAST), has_schema=True)
    assert heard.text == FORECAST
    assert "celsius" in json.dumps(cell.server.received[-1].body)


def counts(cell: Cell, *, is_streamed: bool) -> None:
    """What the caller is told is what is in the books, and the provider's count if it has one."""
    raw = cell.ask(Script(tokens=COUNTED), is_streamed=is_streamed)
    told = cell.door.hear(raw).usage
    (entry,) = booked(raw).entries
    assert told is not None
    assert (told.input, told.output) == (entry.input_tokens, entry.output_tokens)
    if cell.provider == "palm":
        assert entry.is_estimated
        return
    assert not entry.is_estimated
    assert told == told_as(counted_by(cell.provider, COUNTED), told)


def fails_first(cell: Cell, *, is_streamed: bool) -> None:
    """An error before the first byte has a status, and says how long the provider will be away."""
    script = replace(SCRIPTS["429"], headers={"retry-after": str(AWAY_SECONDS)})
    raw = cell.ask(script, is_spare=True, is_streamed=is_streamed)
    assert raw.status == 429
    assert raw.is_json
    assert AWAY_SECONDS - 2 <= int(raw.headers["retry-after"]) <= AWAY_SECONDS


def is_cut(cell: Cell, *, is_streamed: bool) -> None:
    """What breaks off is an error in the dialect, and no end."""
    raw = cell.ask(SCRIPTS["cut"], is_spare=True, is_streamed=is_streamed)
    heard = cell.door.hear(raw)
    assert heard.error
    assert not heard.end
    assert raw.status == 200 if heard.text else raw.status >= 500


CASES: Mapping[str, Case] = {
    "text": partial(says_text, is_streamed=False),
    "text streamed": partial(says_text, is_streamed=True),
    "tools": partial(calls_tools, is_streamed=False),
    "tools streamed": partial(calls_tools, is_streamed=True),
    "thoughts": partial(shows_thoughts, is_streamed=False),
    "thoughts streamed": partial(shows_thoughts, is_streamed=True),
    "image": sees_images,
    "schema": keeps_schemas,
    "usage": partial(counts, is_streamed=False),
    "usage streamed": partial(counts, is_streamed=True),
    "error": partial(fails_first, is_streamed=False),
    "error streamed": partial(fails_first, is_streamed=True),
    "cut": partial(is_cut, is_streamed=False),
    "cut streamed": partial(is_cut, is_streamed=True),
}
# What our own API has no field for, and what PaLM never could; both refuse it.
NOT_OF_OUR_API = {
    *("text streamed", "tools", "tools streamed", "thoughts", "thoughts streamed", "image"),
    *("schema", "usage streamed", "error streamed", "cut streamed"),
}
NOT_OF_PALM = {"tools", "tools streamed", "thoughts", "thoughts streamed", "image", "schema"}
WANTED: Mapping[str, str] = {
    "tools": "has_tools",
    "tools streamed": "has_tools",
    "thoughts": "is_thoughtful",
    "thoughts streamed": "is_thoughtful",
    "image": "has_image",
    "schema": "has_schema",
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("provider", ALL_MODELS)
@pytest.mark.parametrize("door", DOORS)
def test_door__in_front_of_a_provider__does_the_case(
    everywhere: RoutedSite, matrix: Matrix, door: str, provider: str, case: str
) -> None:
    matrix.note(TABLE, door, provider, case)
    cell = Cell(everywhere, DOORS[door], provider)
    wanted = refused_part(door, provider, case)
    if not wanted:
        CASES[case](cell)
        return
    raw = cell.ask(Script(), **{wanted: True})
    assert 400 <= raw.status < 500
    assert cell.door.hear(raw).error
    assert not cell.server.received
    matrix.note(TABLE, door, provider, case, "refused")


def refused_part(door: str, provider: str, case: str) -> str:
    """Return what of the question cannot be asked here; "" when all of it can."""
    is_refused = case in NOT_OF_OUR_API if DOORS[door].has_text_only else False
    is_refused |= provider == "palm" and case in NOT_OF_PALM
    return WANTED.get(case, "is_streamed") if is_refused else ""


VECTOR_PATHS: Mapping[str, str] = {
    "openai embeddings": "/v1/embeddings",
    "gemini v1beta embedContent": "/v1beta/models/{model}:embedContent",
    "gemini v1 batchEmbedContents": "/v1/models/{model}:batchEmbedContents",
}


@pytest.mark.parametrize("provider", ALL_MODELS)
@pytest.mark.parametrize("door", VECTOR_PATHS)
def test_vectors__of_each_wire_that_makes_them__are_made_and_booked(
    everywhere: RoutedSite, matrix: Matrix, door: str, provider: str
) -> None:
    matrix.note(TABLE, door, provider, "vectors")
    has_vectors = provider in VECTOR_MODELS
    model = VECTOR_MODELS.get(provider, ALL_MODELS[provider])
    path = VECTOR_PATHS[door].format(model=model)
    text: Json = {"content": {"parts": [{"text": "red"}]}, "model": f"models/{model}"}
    body: Json = {"requests": [text]} if "batch" in door else text
    body = {"model": model, "input": "red"} if "openai" in door else body
    raw = post(everywhere.address, path, body, {"authorization": f"Bearer {everywhere.key}"})
    if not has_vectors:
        # A model of chats: nothing reaches its provider.
        assert 400 <= raw.status < 500
        assert not everywhere.server_of(provider).received
        matrix.note(TABLE, door, provider, "vectors", "refused")
        return
    assert raw.status == 200, raw.body
    assert b"[0." in raw.body or b'"embedding":"' in raw.body
    (entry,) = booked(raw).entries
    assert entry.status == "ok"
    assert entry.input_tokens > 0
