"""What an API key may be used for."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    RUN = "run", _("Run requests")
    PROMPTS = "prompts", _("Manage prompts")
    CONVERSATIONS = "conversations", _("Use conversations")
    JOBS = "jobs", _("Submit jobs")
    USAGE = "usage", _("Read usage")
    MANAGE = "manage", _("Manage resources")
