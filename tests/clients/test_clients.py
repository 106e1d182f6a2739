"""Client libraries as judges: change one base URL and nothing else, on every provider."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.judges import judging
from tests.clients.libraries import LIBRARIES, Library, judge
from tests.clients.site import JudgedSite, judged_site
from tests.factories.offers import SECRET

pytestmark = pytest.mark.django_db(transaction=True)


def _parameters() -> Iterator[Any]:
    for library in LIBRARIES:
        marks = [pytest.mark.clients] if library.has_own_packages else []
        yield pytest.param(library, id=library.name, marks=marks)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[JudgedSite]:
    with judged_site(tmp_path) as made:
        yield made


@pytest.mark.parametrize("library", [*_parameters()])
def test_library__every_case__passes_on_every_provider(
    library: Library, site: JudgedSite, record_property: Callable[[str, object], None]
) -> None:
    done = judge(library, {"ROUTER_URL": site.url, "ROUTER_KEY": site.key})
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    failures = [
        f"{each['case']} on {each['wire']}: {each['failure']}"
        for each in verdicts
        if each.get("failure")
    ]
    assert not failures, "\n\n".join(failures)
    left_out = {each["case"] for each in verdicts if "without" in each}
    seen = {(each["case"], each["wire"]) for each in verdicts if "wire" in each}
    expected = {
        (case, wire) for case in judging.CASES if case not in left_out for wire in judging.WIRES
    }
    assert seen >= expected
    record_property("left out", sorted(left_out))
    _check_what_the_provider_got(site, left_out)


def _check_what_the_provider_got(site: JudgedSite, left_out: set[str]) -> None:
    for received in site.provider.received:
        assert site.key not in str(received), "the caller's key reached a provider"
    assert SECRET not in site.log.read_text()
    refused = [received.refusal for received in site.provider.received if received.refusal]
    assert refused == []
    if "images" not in left_out:
        pictures = [one for one in site.provider.received if judging.PNG in str(one.body)]
        asked = " ".join(f"{one.path} {one.body.get('model')}" for one in pictures)
        assert [model for model in judging.MODELS.values() if model not in asked] == []
