"""Client libraries as judges: change one base URL and nothing else, on every provider."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.judges import judging
from tests.clients.libraries import LIBRARIES, Library, judge
from tests.clients.site import judged_site
from tests.factories.offers import SECRET
from tests.factories.wire_site import WireSite
from tests.matrix import Matrix, Verdict

pytestmark = pytest.mark.django_db(transaction=True)


def _parameters() -> Iterator[Any]:
    for library in LIBRARIES:
        marks = [pytest.mark.clients] if library.has_own_packages else []
        yield pytest.param(library, id=library.name, marks=marks)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WireSite]:
    with judged_site(tmp_path) as made:
        yield made


@pytest.mark.parametrize("library", [*_parameters()])
def test_library__every_case__passes_on_every_provider(
    library: Library, site: WireSite, matrix: Matrix
) -> None:
    done = judge(library, {"ROUTER_URL": site.address, "ROUTER_KEY": site.key})
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    left_out = {each["case"] for each in verdicts if "without" in each}
    failures = []
    for each in verdicts:
        if each["case"] in left_out:
            continue
        failure = each["failure"]
        verdict: Verdict = "failed" if failure else "held"
        matrix.note("Clients x providers", library.name, each["wire"], each["case"], verdict)
        failures += [f"{each['case']} on {each['wire']}: {failure}"] if failure else []
    assert not failures, "\n\n".join(failures)
    seen = {(each["case"], each["wire"]) for each in verdicts if "wire" in each}
    expected = {
        (case, wire) for case in judging.CASES if case not in left_out for wire in judging.WIRES
    }
    assert seen >= expected
    _check_what_the_provider_got(site, left_out)


def _check_what_the_provider_got(site: WireSite, left_out: set[str]) -> None:
    for received in site.provider.received:
        assert site.key not in str(received), "the caller's key reached a provider"
    assert SECRET not in site.log.read_text()
    refused = [received.refusal for received in site.provider.received if received.refusal]
    assert refused == []
    if "images" not in left_out:
        pictures = [one for one in site.provider.received if judging.PNG in str(one.body)]
        asked = " ".join(f"{one.path} {one.body.get('model')}" for one in pictures)
        assert [model for model in judging.MODELS.values() if model not in asked] == []
