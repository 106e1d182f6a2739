"""Holiday calendars in the admin: days of a country, some added, some taken out."""

from typing import Any

import pytest
from django.test import Client

from apps.core.scoping import all_tenants
from apps.routing.models import HolidayCalendar
from tests.factories.people import make_member
from tests.factories.routing import Site, make_calendar, make_site

pytestmark = pytest.mark.django_db
CALENDARS = "/admin/routing/holidaycalendar/"


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def owner(client: Client, site: Site) -> Client:
    client.force_login(make_member(site.tenant))
    return client


def form(**fields: Any) -> dict[str, Any]:
    values = {"name": "ours", "country": "", "subdivision": ""}
    return {**values, "extra_dates": "", "removed_dates": "", **fields}


def test_calendar__of_a_state_with_own_days__is_saved_and_shown(owner: Client, site: Site) -> None:
    days = "2027-12-24, 2027-12-31"
    data = form(country="br", subdivision="sp", extra_dates=days, removed_dates="2027-12-25")
    assert owner.post(f"{CALENDARS}add/", data).status_code == 302
    with all_tenants("tests"):
        calendar = HolidayCalendar.objects.get()
    assert (calendar.tenant_id, calendar.country) == (site.tenant_id, "BR")
    assert [str(day) for day in calendar.extra_dates] == days.split(", ")
    page = owner.get(f"{CALENDARS}{calendar.pk}/change/").content.decode()
    for shown in (days, "Jul 9, 2027", "Dec 24, 2027"):
        assert shown in page
    assert "Dec 25, 2027" not in page
    assert "BR" in owner.get(CALENDARS).content.decode()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"country": "XX"}, "country"),
        ({"country": "BR", "subdivision": "ZZ"}, "subdivision"),
        ({"subdivision": "SP"}, "subdivision"),
        ({"extra_dates": "24/12/2027"}, "extra_dates"),
    ],
)
def test_calendar__faulty_field__is_told_there(
    owner: Client, fields: dict[str, str], field: str
) -> None:
    answer = owner.post(f"{CALENDARS}add/", form(**fields))
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == {field}


def test_calendar__of_the_platform__is_read_by_tenants(owner: Client) -> None:
    shared = make_calendar(None, "brazil", country="BR")
    assert "brazil" in owner.get(CALENDARS).content.decode()
    path = f"{CALENDARS}{shared.pk}/change/"
    assert owner.get(path).status_code == 200
    assert owner.post(path, form(name="mine")).status_code == 403
