"""The servers of the suite are real, and serve as the role that owns nothing."""

import pytest
import redis
from django.db import connection


@pytest.mark.django_db
def test_connection__while_serving__is_the_runtime_role_without_privileges() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == ("llm_router_runtime", False, False)


@pytest.mark.django_db
def test_database__of_the_suite__is_postgresql_18_or_newer() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        assert int(cursor.fetchone()[0]) >= 180000


def test_redis__at_the_start_of_a_test__is_empty(redis_client: redis.Redis) -> None:
    assert redis_client.dbsize() == 0
    redis_client.set("left", "behind")


def test_redis__after_a_test_that_wrote__is_empty_again(redis_client: redis.Redis) -> None:
    assert redis_client.dbsize() == 0
