"""Schedules are shown to platform staff, in both languages, and changed by nobody."""

from typing import Any

import pytest
from django.test import Client
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from tests.factories.people import make_member, make_user

pytestmark = pytest.mark.django_db
LIST = "/admin/django_celery_beat/periodictask/"
PORTUGUESE = {"accept-language": "pt-br"}


@pytest.fixture
def task() -> Any:
    every = IntervalSchedule.objects.create(every=2, period=IntervalSchedule.MINUTES)
    return PeriodicTask.objects.create(name="sweep jobs", task="jobs.sweep", interval=every)


def test_schedules__in_each_language__say_when_what_runs(client: Client, task: Any) -> None:
    nightly = CrontabSchedule.objects.create(minute="0", hour="4")
    PeriodicTask.objects.create(name="nightly", task="usage.prepare", crontab=nightly)
    client.force_login(make_user(is_superuser=True))
    english = client.get(LIST).content.decode()
    assert "every 120 seconds" in english
    assert "0 4 * * * UTC" in english
    portuguese = client.get(LIST, headers=PORTUGUESE).content.decode()
    assert "a cada 120 segundos" in portuguese
    assert "Periodic" not in portuguese
    detail = client.get(f"{LIST}{task.pk}/change/", headers=PORTUGUESE).content.decode()
    assert "jobs.sweep" in detail
    assert "Periodic" not in detail
    assert "Short Description" not in detail


def test_schedules__by_platform_staff__are_only_read(client: Client, task: Any) -> None:
    client.force_login(make_user(is_superuser=True))
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{task.pk}/change/", {"name": "other"}).status_code == 403
    assert client.post(f"{LIST}{task.pk}/delete/", {"post": "yes"}).status_code == 403
    for name in ("intervalschedule", "crontabschedule", "solarschedule", "clockedschedule"):
        assert client.get(f"/admin/django_celery_beat/{name}/").status_code == 404
    assert PeriodicTask.objects.get().name == "sweep jobs"


def test_schedules__by_an_owner__are_out_of_reach(client: Client, task: Any) -> None:
    client.force_login(make_member())
    assert client.get(LIST).status_code == 403
