"""The days of holiday calendars: a country's own by the `holidays` package, plus and minus some.

The control plane's only: what is published are plain dates.
"""

from collections.abc import Iterable
from datetime import date

from django.utils.translation import gettext as _
from holidays import country_holidays, list_supported_countries

YEARS_BACK = 1
YEARS_AHEAD = 3


def place_faults(country: str, subdivision: str) -> dict[str, str]:
    """Return what is wrong with the codes by field; an empty country has no days of its own."""
    if not country:
        return {"subdivision": _("Choose the country as well.")} if subdivision else {}
    known = list_supported_countries()
    if country not in known:
        text = _("No holidays are known for “%(code)s”; enter two letters such as BR.")
        return {"country": text % {"code": country}}
    if subdivision and subdivision not in known[country]:
        text = _("“%(code)s” is no part of this country with days of its own. Known: %(known)s.")
        names = ", ".join(known[country]) or "-"
        return {"subdivision": text % {"code": subdivision, "known": names}}
    return {}


def holiday_dates(
    *,
    country: str,
    subdivision: str,
    extra: Iterable[date],
    removed: Iterable[date],
    today: date,
) -> list[str]:
    """Return ISO dates in order, from last year to three years ahead."""
    years = range(today.year - YEARS_BACK, today.year + YEARS_AHEAD + 1)
    days = set(extra)
    if country:
        days.update(country_holidays(country, subdiv=subdivision or None, years=years))
    return [day.isoformat() for day in sorted(days - set(removed))]
