"""Conversations: server-side history, encrypted at rest, continued by id."""

from typing import override

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.tenants.models import Project, TenantOwnedModel


class Conversation(TenantOwnedModel):
    """A thread of turns of one project. Outside its id reads `conv_…`."""

    project = models.ForeignKey(
        Project, verbose_name=_("project"), on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(_("title"), max_length=200, blank=True)
    turn_count = models.PositiveIntegerField(_("turns"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ("-updated_at",)
        indexes = (models.Index(fields=("tenant", "-updated_at"), name="conversation_newest"),)

    @override
    def __str__(self) -> str:
        return self.title or f"conv_{self.id.hex}"


class Turn(TenantOwnedModel):
    """One turn of a conversation, as a record (see `core.turn_records`); older ones are a text."""

    conversation = models.ForeignKey(
        Conversation,
        verbose_name=_("conversation"),
        on_delete=models.CASCADE,
        related_name="turns",
    )
    position = models.PositiveIntegerField(_("position"))
    role = models.CharField(_("role"), max_length=20)
    ciphertext = models.TextField(editable=False)
    is_record = models.BooleanField(default=False, editable=False)
    tokens = models.PositiveIntegerField(_("tokens"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        ordering = ("conversation", "position")
        constraints = (
            models.UniqueConstraint(fields=("conversation", "position"), name="turn_position"),
        )

    @override
    def __str__(self) -> str:
        return f"{self.role} {self.position}"
