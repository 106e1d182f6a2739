"""Same facts, snapshot, health and seed: the same bytes, whatever the interpreter hashes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.routing.engine.types import Health
from tests.engine.random_cases import Case, case_of
from tests.scale import scaled

CHECKOUT = Path(__file__).parents[2]
CASES = scaled(300, 10_000)
# -S: no installed packages. Prints what stands for the bytes of all decisions.
PROGRAM = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from tests.engine.random_cases import case_of
digest = hashlib.sha256()
for number in range(int(sys.argv[2])):
    digest.update(repr(case_of(number).decide()).encode())
print(digest.hexdigest())
"""

pytestmark = pytest.mark.slow


def turned(value: Any) -> Any:
    """Return records with the keys of every mapping in the opposite order."""
    if isinstance(value, dict):
        return {name: turned(value[name]) for name in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


def turned_case(case: Case) -> Case:
    health = Health(
        turned(dict(case.health.deployments)),
        turned(dict(case.health.retries)),
        turned(dict(case.health.credentials_down)),
    )
    return Case(turned(case.platform), turned(case.tenant), case.facts, health, case.seed)


@settings(max_examples=scaled(150, 10_000))
@given(st.integers(0, 2**32 - 1).map(case_of))
def test_decision__same_arguments__is_the_same_bytes(case: Case) -> None:
    snapshot = case.snapshot()
    assert repr(case.snapshot()) == repr(snapshot)
    assert repr(case.decide()) == repr(case.decide())


@settings(max_examples=scaled(150, 3_000))
@given(st.integers(0, 2**32 - 1).map(case_of))
def test_decision__keys_in_another_order__is_the_same(case: Case) -> None:
    first, second = case.decide(), turned_case(case).decide()
    assert first == second
    assert json.dumps(first.trace) == json.dumps(second.trace)


def test_decisions__on_bare_interpreters_that_hash_otherwise__are_the_same_bytes() -> None:
    digests = {_digest(hash_seed) for hash_seed in ("0", "1", "4242")}
    assert len(digests) == 1


def _digest(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM, str(CHECKOUT), str(CASES)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
