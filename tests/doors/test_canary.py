"""T2: no key crosses the router: the caller's reaches no provider, the provider's no caller."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import cycle
from urllib.parse import unquote_plus

import pytest

from apps.core.scoping import all_tenants
from apps.providers.wire_servers.scripts import SCRIPTS, Script
from apps.usage.models import HealthSnapshot, LedgerEntry, RequestLog
from apps.usage.writer import UsageWriter
from tests.doors.entrances import DOORS, Door, Question
from tests.doors.raw_http import Raw
from tests.factories.offers import SECRET
from tests.factories.routed_site import ALL_MODELS, RoutedSite
from tests.factories.usage import drain

pytestmark = pytest.mark.keeps_redis

# A provider that tells its secret wherever it can: it asks for a minute, so that nobody waits.
TELLTALE = {"retry-after": "60", "x-canary": SECRET, "x-ratelimit-canary": SECRET}
TOLD = f"the key {SECRET} is not liked; its owner asked https://inside.example/?key={SECRET}"
# Of streams only, and PaLM has none.
EVENT = "error event"
STATUSES = (400, 401, 429, 500)
SAID: Mapping[str, Script] = {
    "ok": Script(headers=TELLTALE),
    **{
        str(status): Script(status=status, message=TOLD, code=SECRET, headers=TELLTALE)
        for status in STATUSES
    },
    "page": Script(status=502, body=f"<html>{TOLD}</html>".encode(), headers=TELLTALE),
    EVENT: replace(SCRIPTS["error_event"], message=TOLD, headers=TELLTALE),
    "cut": replace(SCRIPTS["cut"], headers=TELLTALE),
}
# For each door, whole and streamed: all but what is well and what is the caller's own fault.
SPARES = len(DOORS) * 2 * (len(SAID) - 1)


@pytest.mark.parametrize("provider", ALL_MODELS)
@pytest.mark.parametrize("door", DOORS)
def test_t2__keys_of_both_sides__cross_in_no_direction(
    everywhere: RoutedSite, door: str, provider: str
) -> None:
    server, entrance = everywhere.server_of(provider), DOORS[door]
    bearers = cycle(entrance.keys)
    for is_streamed in (False,) if entrance.has_text_only else (False, True):
        for name, script in SAID.items():
            server.script = script
            is_well = name == "ok" or (name == EVENT and not (is_streamed and provider != "palm"))
            model = ALL_MODELS[provider]
            question = Question(model if is_well else everywhere.spare(model), is_streamed)
            raw = entrance.ask(everywhere.address, everywhere.key, question, bearer=next(bearers))
            assert_as_told(entrance, raw, is_well=is_well)
            assert_nothing_told(raw.bytes, SECRET)
    assert len(server.received) >= len(SAID)
    for received in server.received:
        whole = received.request.head.encode("latin-1") + received.request.raw
        assert SECRET.encode() in whole, "it would tell nothing if the provider saw no key at all"
        assert_nothing_told(whole, everywhere.key)
    assert_nothing_kept(everywhere)


def assert_as_told(door: Door, raw: Raw, *, is_well: bool) -> None:
    """Make sure that the script was said: a canary in an empty mine is none."""
    assert bool(door.hear(raw).error) != is_well, raw.body


def assert_nothing_told(told: bytes, key: str) -> None:
    """Look for a key as it is, escaped, and without its public part."""
    secret = key.rpartition("_")[2]
    for text in (told.decode("latin-1"), unquote_plus(told.decode("latin-1"))):
        assert secret not in text


def assert_nothing_kept(site: RoutedSite) -> None:
    """Look through the log of the web process, and through all that the books hold."""
    drain(UsageWriter())
    with all_tenants("tests"):
        rows = [
            str(list(table.objects.values())) for table in (RequestLog, LedgerEntry, HealthSnapshot)
        ]
    kept = [site.log.read_bytes(), *(row.encode() for row in rows)]
    assert all(kept), "nothing was kept at all"
    for place in kept:
        for key in (SECRET, site.key):
            assert_nothing_told(place, key)
