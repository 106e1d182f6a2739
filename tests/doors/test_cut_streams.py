"""OA33: a stream that its provider cuts, at any byte, ends as an error in every dialect."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import cycle, islice, product
from uuid import UUID

import pytest

from apps.providers.wire_servers.scripts import SCRIPTS, Script
from tests.doors.books import everything_booked, request_id_of
from tests.doors.entrances import DOORS, STREAMING, Question
from tests.doors.raw_http import Raw
from tests.factories.routed_site import ALL_MODELS, RoutedSite
from tests.scale import scaled

pytestmark = [pytest.mark.keeps_redis, pytest.mark.slow]

STREAMS = scaled(reduced=200, full=1_000)
SEED = 20_261_125
# PaLM has no streams; a stream made of its one answer cannot be cut.
PROVIDERS = tuple(provider for provider in ALL_MODELS if provider != "palm")
PAIRS = tuple(product(STREAMING, PROVIDERS))
SPARES = -(-STREAMS // len(PROVIDERS)) + len(PAIRS)
SAID = ("text", "thinking", "parallel_tools", "text_and_tools", "crlf")
# By reset, or as quietly as a proxy that gives up.
ENDINGS = ("cut", "stops_early")
# What each provider says when it has come to its end; before that it has not.
OWN_END = {"anthropic": b'"message_stop"', "google": b'"finishReason"'}
OWN_END_OF_OTHERS = b'"finish_reason": "'


@dataclass(frozen=True, slots=True)
class Cut:
    """One stream: its script, cut somewhere, and what came of it."""

    door: str
    place: str
    raw: Raw
    has_ended: bool


def test_oa33__stream_cut_at_any_byte__never_ends_as_complete(
    everywhere: RoutedSite,
) -> None:
    luck = random.Random(SEED)
    cuts = list(islice(cut_streams(everywhere, luck), STREAMS))
    statuses = {booked.row.id: booked.row.status for booked in everything_booked()}
    faults = [f"{cut.place}: {fault}" for cut in cuts if (fault := fault_of(cut, statuses))]
    assert not faults, f"seed {SEED}, {len(faults)} of {len(cuts)}:\n" + "\n".join(faults)
    # Some are cut before their first byte has arrived, and very few after their end.
    begun = [cut for cut in cuts if cut.raw.status == 200]
    assert len(begun) > len(cuts) // 2
    assert sum(cut.has_ended for cut in cuts) < len(cuts) // 4


def cut_streams(site: RoutedSite, luck: random.Random) -> Iterator[Cut]:
    """Ask again and again, each door of each provider in turn, and cut the answer somewhere."""
    lengths: dict[tuple[str, str], int] = {}
    for door, provider in cycle(PAIRS):
        name, ending = luck.choice(SAID), luck.choice(ENDINGS)
        if (provider, name) not in lengths:
            ask(site, door, ALL_MODELS[provider], SCRIPTS[name])
            lengths[provider, name] = len(site.server_of(provider).said[-1])
        at = luck.randint(0, lengths[provider, name])
        is_cut = ending == "cut"
        script = replace(SCRIPTS[name], is_cut=is_cut, stops_early=not is_cut, cut_at=at)
        raw = ask(site, door, site.spare(ALL_MODELS[provider]), script)
        events = whole_events(bytes(site.server_of(provider).said[-1]))
        has_ended = OWN_END.get(provider, OWN_END_OF_OTHERS) in events
        yield Cut(door, f"{door} x {provider}, {name}, {ending} at {at}", raw, has_ended)


def ask(site: RoutedSite, door: str, model: str, script: Script) -> Raw:
    """Ask for a stream while every provider says this."""
    for server in (site.provider, *site.kinds.values()):
        server.script = script
    question = Question(model, is_streamed=True, has_tools=True)
    return DOORS[door].ask(site.address, site.key, question)


def whole_events(said: bytes) -> bytes:
    """Leave out the event that the cut has gone through."""
    return said.replace(b"\r\n", b"\n").rpartition(b"\n\n")[0]


def fault_of(cut: Cut, statuses: Mapping[UUID, str]) -> str:
    """Return what is wrong with the end of a stream; "" when all is as it must be."""
    heard, booked = DOORS[cut.door].hear(cut.raw), statuses[request_id_of(cut.raw)]
    if cut.raw.status != 200:
        return "" if heard.error and booked == "error" else f"{cut.raw.status}, booked {booked}"
    if heard.error:
        # OpenAI's reason is told on the way, before the count and the end mark.
        is_right = booked == "cut" and (cut.has_ended or not heard.end)
        return "" if is_right else f"an error with the end {heard.end!r}, booked {booked}"
    is_right = cut.has_ended and bool(heard.end) and booked == "ok"
    return "" if is_right else f"no error, the end {heard.end!r}, booked {booked}"
