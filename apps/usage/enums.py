"""How requests and attempts end, in words."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Outcome(models.TextChoices):
    OK = "ok", _("OK")
    ERROR = "error", _("Error")
    RATE_LIMITED = "rate_limited", _("Rate limited")
    REJECTED = "rejected", _("Refused")
    CUT = "cut", _("Broken off")
    CANCELLED = "cancelled", _("Cancelled by the caller")


class CacheState(models.TextChoices):
    OFF = "off", _("Off")
    MISS = "miss", _("Not in the cache")
    HIT = "hit", _("From the cache")


def in_words(choices: type[models.TextChoices], value: str) -> str:
    """Return what people read for a stored value; one from a later version stays as it is."""
    return str(dict(choices.choices).get(value, value))
