"""Usage is the provider's own count, to the token: as the caller is told it, and in the books."""

from dataclasses import replace
from itertools import count

import pytest

from apps.providers.wire_servers.scripts import SCRIPTS, Script, Tokens
from apps.usage.models import LedgerEntry
from tests.doors.books import everything_booked, request_id_of
from tests.doors.counts import counted_by, told_as
from tests.doors.entrances import DOORS, Question
from tests.doors.hearing import Told
from tests.doors.raw_http import Raw
from tests.factories.routed_site import ALL_MODELS, RoutedSite
from tests.scale import scaled

pytestmark = [pytest.mark.keeps_redis, pytest.mark.slow]

# PaLM counts nothing: its usage is an estimate that says so (the matrix looks at it).
PROVIDERS = tuple(provider for provider in ALL_MODELS if provider != "palm")


def is_counted(script: Script) -> bool:
    """Say whether an answer comes to its end, at once, with a count."""
    is_faulty = script.hangs or script.breaks_off or script.has_malformed_event
    is_late = script.delay_seconds or script.first_event_seconds
    has_count = script.usage != "missing" and not script.is_blocked
    return (
        script.status == 200
        and script.error_after is None
        and has_count
        and not (is_faulty or is_late)
    )


FIXTURES = [name for name, script in SCRIPTS.items() if is_counted(script)]
# What is an error at Google: a call that the model garbled. And Google writes no comments into its
# streams, nor does its client read them.
NOT_OF_GOOGLE = {"malformed_call", "comments", "compatible"}
_numbers = count(100)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("door", DOORS)
def test_oa27_og14_ao15__usage_of_every_fixture__is_the_providers_count(
    everywhere: RoutedSite, door: str, provider: str
) -> None:
    fixtures = fixtures_of(door, provider)
    asked: list[tuple[str, Tokens, Raw]] = []
    for is_streamed in (False,) if DOORS[door].has_text_only else (False, True):
        for name in fixtures:
            # No two answers have one number in common.
            tokens = Tokens(*(next(_numbers) for _kind in range(5)))
            tokens = replace(tokens, output=tokens.output + tokens.reasoning)
            script = replace(SCRIPTS[name], tokens=tokens)
            place = f"{name}, {'streamed' if is_streamed else 'whole'}"
            asked.append((place, tokens, ask(everywhere, door, provider, script, is_streamed)))
    booked = {one.row.id: one.entries for one in everything_booked()}
    for place, tokens, raw in asked:
        counted = counted_by(provider, tokens)
        told = DOORS[door].hear(raw).usage
        assert told == told_as(counted, told), f"{place}: {raw.body!r}"
        (entry,) = booked[request_id_of(raw)]
        assert not entry.is_estimated, place
        assert in_the_books(entry) == counted, place


def fixtures_of(door: str, provider: str) -> list[str]:
    """Return the fixtures that a cell tries: each in turn at a reduced scale, so that all are."""
    step = scaled(reduced=3, full=1)
    first = (list(DOORS).index(door) + PROVIDERS.index(provider)) % step
    mine = FIXTURES[first::step]
    return [name for name in mine if provider != "google" or name not in NOT_OF_GOOGLE]


def ask(site: RoutedSite, door: str, provider: str, script: Script, is_streamed: bool) -> Raw:
    """Ask with all that makes a count: tools and thoughts where the door has them."""
    entrance = DOORS[door]
    site.server_of(provider).script = script
    question = Question(ALL_MODELS[provider], is_streamed, has_tools=not entrance.has_text_only)
    return entrance.ask(site.address, site.key, question)


def in_the_books(entry: LedgerEntry) -> Told:
    """Return the count that was billed."""
    return Told(
        entry.input_tokens,
        entry.output_tokens,
        entry.cached_input_tokens,
        entry.cache_write_tokens,
        entry.reasoning_tokens,
    )
