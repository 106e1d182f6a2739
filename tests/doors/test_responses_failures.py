"""Providers that fail behind `/v1/responses`, as the official `openai` SDK tells it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.doors.responses_door import MODEL, PROVIDERS, SECRET, ResponsesDoor, running_door

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=PROVIDERS)
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ResponsesDoor]:
    """A site of its own for each test: what failed rests for a while."""
    with running_door(tmp_path, request.param) as running:
        yield running


@pytest.mark.parametrize("script", ["error_event", "cut", "stops_early"])
def test_r4__stream_that_breaks__fails_and_raises(door: ResponsesDoor, script: str) -> None:
    door.provider.plan(script)
    seen: list[Any] = []
    with pytest.raises(openai.APIError) as told:
        note_events(door, seen)
    assert SECRET not in str(told.value)
    assert "broke off" in str(told.value)
    assert seen[-1].type == "response.failed"
    assert seen[-1].response.status == "failed"
    assert "response.completed" not in [event.type for event in seen]
    with pytest.raises(openai.NotFoundError):
        door.client.responses.retrieve(seen[0].response.id)


def note_events(door: ResponsesDoor, seen: list[Any]) -> None:
    for event in door.client.responses.create(model=MODEL, input="Hello", stream=True):
        seen.append(event)  # noqa: PERF402 - what came before the failure is kept


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("400", openai.BadRequestError),
        ("429", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("error_first", openai.InternalServerError),
    ],
)
def test_r8__failure_before_the_first_event__has_a_status(
    door: ResponsesDoor, script: str, kind: type[openai.APIStatusError]
) -> None:
    for is_streamed in (True, False) if script != "error_first" else (True,):
        door.provider.plan(*[script] * 3)
        with pytest.raises(kind) as told:
            door.ask(is_streamed=is_streamed)
        assert told.value.status_code >= 400
        assert SECRET not in str(told.value)
