"""Health as the log keeps it: the same state has one id and comes back as it was."""

from dataclasses import fields

import orjson
from hypothesis import given
from hypothesis import strategies as st

from apps.routing.engine.types import DeploymentHealth, Health, RetryBudget
from apps.routing.logged_health import health_from, health_id, health_record

ID = st.text("abcdef0123456789-", min_size=1, max_size=6)
NUMBER = st.floats(0, 1e9)
COUNT = st.integers(0, 2**53)
KINDS = {int: COUNT, float: NUMBER, float | None: st.none() | NUMBER, bool: st.booleans()}
STATE = st.builds(
    DeploymentHealth,
    **{
        item.name: st.dictionaries(ID, COUNT, max_size=2)
        if item.name == "waiting"
        else KINDS[item.type]  # type: ignore[index]  # the kinds of figures there are
        for item in fields(DeploymentHealth)
    },
)
HEALTH = st.builds(
    Health,
    deployments=st.dictionaries(ID, STATE, max_size=3),
    retries=st.dictionaries(ID, st.builds(RetryBudget, NUMBER, COUNT), max_size=2),
    credentials_down=st.dictionaries(ID, COUNT, max_size=2),
)


@given(HEALTH)
def test_health__logged_and_read_back__is_the_same(health: Health) -> None:
    record = health_record(health)
    read = orjson.loads(orjson.dumps(record))
    assert health_from(read) == health
    assert health_id(read) == health_id(record)


def test_id__of_the_same_state_in_another_order__is_the_same() -> None:
    one, two = DeploymentHealth(in_flight=1), DeploymentHealth(failures=2)
    first, second = Health({"a": one, "b": two}), Health({"b": two, "a": one})
    assert health_id(health_record(first)) == health_id(health_record(second))


def test_id__of_another_state__is_another() -> None:
    states = [Health(), Health({"a": DeploymentHealth()}), Health(credentials_down={"c": 1})]
    assert len({health_id(health_record(state)) for state in states}) == len(states)


def test_record__of_a_deployment_never_called__is_empty() -> None:
    assert health_record(Health({"a": DeploymentHealth()}))["deployments"] == {"a": {}}
