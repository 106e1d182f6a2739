"""Roles that a person may hold in a tenant."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    RULE_EDITOR = "rule_editor", _("Rule editor")
    APPROVER = "approver", _("Approver")
    ANALYST = "analyst", _("Analyst")
