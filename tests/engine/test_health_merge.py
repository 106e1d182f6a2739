"""What several workers know, put together: properties that hold for all of them, and each rule."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from apps.routing.engine.health import HEALTHY, observe
from apps.routing.engine.health_merge import PEER_MARK, calls_of, merge, own_part
from apps.routing.engine.types import DeploymentHealth, Health, HealthEvent, RetryBudget

NOW = 1_790_000_000_000
# Few values, so that ties are common.
TIMES = st.sampled_from([0, NOW - 5_000, NOW - 10, NOW, NOW + 5_000, NOW + 20_000])
NAMES = st.sampled_from(["alpha", "bravo", "charlie"])
SPEEDS = st.sampled_from([100.0, 500.0, 4_000.0])


def _possible(state: DeploymentHealth) -> DeploymentHealth:
    """Who was never ejected is not on probation either."""
    if state.ejected_until_ms:
        return state
    return replace(state, ejections=0, probation=0)


STATES = st.builds(
    DeploymentHealth,
    ttft_ms=SPEEDS,
    ms_per_token=SPEEDS,
    error_rate=st.sampled_from([0.0, 0.1, 0.9]),
    mean_output_tokens=SPEEDS,
    seen_ms=TIMES,
    in_flight=st.integers(0, 3),
    failures=st.integers(0, 3),
    retry_after_ms=TIMES,
    ejected_until_ms=TIMES,
    ejections=st.integers(0, 6),
    probation=st.integers(0, 3),
    token_level=st.sampled_from([None, -50.0, 900.0]),
    token_level_ms=TIMES,
    usual_ttft_ms=st.sampled_from([0.0, 200.0, 900.0]),
    usual_ms_per_token=st.sampled_from([0.0, 15.0]),
    borne=st.integers(0, 3),
).map(_possible)
HEALTHS = st.builds(
    Health,
    st.dictionaries(NAMES, STATES, max_size=3),
    credentials_down=st.dictionaries(NAMES, TIMES, max_size=2),
)
PEERS = st.lists(HEALTHS, max_size=4)


def told(peers: list[Health]) -> list[Health]:
    """Return the peers with a waiting call each, under an id of its own, as messages carry it."""
    return [
        replace(
            peer,
            deployments={
                name: replace(state, waiting={f"{PEER_MARK}{number}": NOW - number})
                for name, state in peer.deployments.items()
            },
        )
        for number, peer in enumerate(peers)
    ]


def one(**fields: object) -> Health:
    return Health({"alpha": replace(HEALTHY, **fields)})  # type: ignore[arg-type]  # fields of tests


def alpha(health: Health) -> DeploymentHealth:
    return health.deployments["alpha"]


def test_usual_times__of_whoever_saw_it_last__hold() -> None:
    mine = one(seen_ms=NOW - 10, usual_ttft_ms=200.0, usual_ms_per_token=10.0)
    peer = one(seen_ms=NOW, usual_ttft_ms=900.0, usual_ms_per_token=20.0)
    found = alpha(merge(mine, [peer]))
    assert (found.usual_ttft_ms, found.usual_ms_per_token) == (900.0, 20.0)


def test_usual_times__where_the_last_to_see_it_saw_failures_only__are_not_forgotten() -> None:
    known = one(seen_ms=NOW - 10, usual_ttft_ms=200.0, usual_ms_per_token=10.0)
    failing = one(seen_ms=NOW, failures=3)
    for found in (alpha(merge(known, [failing])), alpha(merge(failing, [known]))):
        assert (found.failures, found.usual_ttft_ms, found.usual_ms_per_token) == (3, 200.0, 10.0)


def test_calls__that_any_worker_saw_borne__are_borne() -> None:
    mine, peers = one(borne=3, seen_ms=NOW), [one(borne=7), one(borne=5)]
    assert alpha(merge(mine, peers)).borne == 7


@given(HEALTHS, PEERS, st.randoms())
def test_peers__in_any_order__make_the_same_health(
    own: Health, peers: list[Health], luck: random.Random
) -> None:
    heard = told(peers)
    shuffled = luck.sample(heard, len(heard))
    assert merge(own, shuffled) == merge(own, heard)


@given(HEALTHS, PEERS)
def test_peers__heard_again__change_nothing(own: Health, peers: list[Health]) -> None:
    heard = told(peers)
    once = merge(own, heard)
    assert merge(own_part(once, calls_of(heard)), heard) == once


@given(HEALTHS, HEALTHS)
def test_worker__that_hears_its_own_news_from_a_peer__learns_nothing_new(
    own: Health, other: Health
) -> None:
    heard = told([other])
    own_knows = own_part(merge(own, heard), calls_of(heard))
    other_knows = own_part(merge(other, told([own_knows])), calls_of([own_knows]))
    again = merge(own_knows, told([other_knows]))
    assert own_part(again, calls_of([other_knows])) == own_knows


@given(HEALTHS, PEERS)
def test_own_part__of_a_merged_health__has_only_this_workers_calls(
    own: Health, peers: list[Health]
) -> None:
    heard = told(peers)
    mine = own_part(merge(own, heard), calls_of(heard))
    for name, state in mine.deployments.items():
        assert state.in_flight == own.deployments.get(name, HEALTHY).in_flight
        assert not state.waiting


@given(HEALTHS, PEERS)
def test_merged_health__has_the_latest_of_all_ejections_and_blocks(
    own: Health, peers: list[Health]
) -> None:
    merged = merge(own, told(peers))
    for name, state in merged.deployments.items():
        known = [health.deployments.get(name, HEALTHY) for health in (own, *peers)]
        assert state.ejected_until_ms == max(item.ejected_until_ms for item in known)
        assert state.retry_after_ms == max(item.retry_after_ms for item in known)
        assert state.seen_ms == max(item.seen_ms for item in known)
        assert state.in_flight == sum(item.in_flight for item in known)
    for name, until in merged.credentials_down.items():
        assert until == max(item.credentials_down.get(name, 0) for item in (own, *peers))


@given(HEALTHS)
def test_worker__without_peers__keeps_its_view(own: Health) -> None:
    assert merge(own, []) is own


def test_ejection__is_not_ended_by_a_peer_that_knows_nothing_of_it() -> None:
    own = one(ejected_until_ms=NOW + 5_000, ejections=2, probation=3)
    busy = one(seen_ms=NOW, ttft_ms=90.0, in_flight=4)
    state = alpha(merge(own, [Health(), busy]))
    assert (state.ejected_until_ms, state.ejections, state.probation) == (NOW + 5_000, 2, 3)
    assert (state.ttft_ms, state.in_flight) == (90.0, 4)


def test_ejection__seen_by_a_peer__holds_here_with_its_probation() -> None:
    peer = one(ejected_until_ms=NOW + 5_000, ejections=1, probation=3)
    state = alpha(merge(one(seen_ms=NOW + 1), [peer]))
    assert (state.ejected_until_ms, state.ejections, state.probation) == (NOW + 5_000, 1, 3)


def test_probation__of_one_ejection__is_served_by_all_workers_together() -> None:
    ejected = one(ejected_until_ms=NOW, ejections=2, probation=3)
    recovering = one(ejected_until_ms=NOW, ejections=2, probation=1)
    recovered = one(ejected_until_ms=NOW, ejections=0, probation=0)
    assert alpha(merge(ejected, [recovering])).probation == 1
    assert alpha(merge(ejected, [recovering, recovered])).probation == 0
    assert alpha(merge(ejected, [recovered])).ejections == 0
    # A later outage has a probation of its own.
    again = one(ejected_until_ms=NOW + 10_000, ejections=3, probation=3)
    assert alpha(merge(recovered, [again])).probation == 3


def test_speeds__are_those_of_whoever_saw_the_deployment_last() -> None:
    own = one(seen_ms=NOW, ttft_ms=700.0, ms_per_token=20.0, error_rate=0.1, failures=1)
    stale = one(seen_ms=NOW - 1, ttft_ms=90.0, ms_per_token=1.0, error_rate=0.9, failures=9)
    same = one(seen_ms=NOW, ttft_ms=9_000.0)
    newer = one(seen_ms=NOW + 1, ttft_ms=300.0, ms_per_token=30.0, mean_output_tokens=9.0)
    assert alpha(merge(own, [stale, same])) == alpha(own)
    assert alpha(merge(own, [stale, newer, same])) == alpha(newer)


def test_bucket__is_known_from_whoever_heard_of_it_last() -> None:
    own = one(token_level=500.0, token_level_ms=NOW)
    newer = one(token_level=-3.0, token_level_ms=NOW + 1)
    assert alpha(merge(own, [one(token_level=9.0, token_level_ms=NOW)])).token_level == 500.0
    assert alpha(merge(own, [newer])).token_level == -3.0
    assert alpha(merge(own, [newer])).token_level_ms == NOW + 1


def test_calls__that_wait_elsewhere__are_seen_and_do_not_stay() -> None:
    own = observe(Health(), HealthEvent("alpha", "started", NOW, call_id="mine"))
    peer = one(in_flight=2, waiting={"@worker": NOW - 9_000})
    merged = merge(own, [peer])
    assert list(alpha(merged).waiting.items()) == [("@worker", NOW - 9_000), ("mine", NOW)]
    assert alpha(merged).in_flight == 3
    ended = observe(merged, HealthEvent("alpha", "error", NOW, call_id="mine"))
    mine = own_part(ended, calls_of([peer]))
    assert (alpha(mine).in_flight, alpha(mine).waiting) == (0, {})
    assert alpha(merge(mine, [])).in_flight == 0


def test_retry_budgets__stay_this_workers_own() -> None:
    own = Health(retries={"acme": RetryBudget(2.0, NOW)})
    peer = Health(retries={"acme": RetryBudget(9.0, NOW + 1), "other": RetryBudget(1.0, NOW)})
    assert merge(own, [peer]).retries == own.retries


def test_deployment__that_only_a_peer_knows__is_known_afterwards() -> None:
    peer = Health({"bravo": replace(HEALTHY, seen_ms=NOW, ttft_ms=80.0)})
    assert merge(one(seen_ms=NOW), [peer]).deployments["bravo"].ttft_ms == 80.0
