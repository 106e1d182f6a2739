"""Choices of rule sets, rules and releases."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RuleAction(models.TextChoices):
    ROUTE = "route", _("Route to models")
    REJECT = "reject", _("Reject with a message")


class ReleaseState(models.TextChoices):
    LIVE = "live", _("Live")
    SUPERSEDED = "superseded", _("Superseded")
