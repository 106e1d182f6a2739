"""Choices of rule sets, rules and releases."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RuleAction(models.TextChoices):
    ROUTE = "route", _("Route to models")
    REJECT = "reject", _("Reject with a message")
    CONTINUE = "continue", _("Apply the settings and go on to the next rule")


class Strategy(models.TextChoices):
    PRIORITY = "priority", _("In order: the next one only when the one before cannot answer")
    WEIGHTED = "weighted", _("Split by weight")
    ADAPTIVE = "adaptive", _("The best at the moment: speed, errors and price")
    CHEAPEST = "cheapest", _("The cheapest healthy one")


class Affinity(models.TextChoices):
    NONE = "", _("None")
    CONVERSATION = "conversation", _("Keep a conversation where it is")
    PREFIX = "prefix", _("Keep prompts that begin alike together")


class Unit(models.TextChoices):
    REQUEST = "request", _("Each request on its own")
    CONVERSATION = "conversation", _("A conversation stays with its draw")
    USER = "user", _("A user stays with its draw")


class OnContentFilter(models.TextChoices):
    DEFAULT = "", _("As the server is set up")
    RETURN = "return", _("Give the refusal to the caller")
    NEXT = "next", _("Try the next model")


class OnUnsupported(models.TextChoices):
    DEFAULT = "", _("As the server is set up")
    DROP = "drop", _("Leave it out and say so")
    REFUSE = "refuse", _("Try the next model, or refuse the request")


class ReleaseState(models.TextChoices):
    LIVE = "live", _("Live")
    SUPERSEDED = "superseded", _("Superseded")
