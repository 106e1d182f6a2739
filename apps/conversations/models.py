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


class StoredResponse(TenantOwnedModel):
    """A response of the Responses API that can be read again, and continued. Outside: `resp_…`.

    Its turns are those of its own step: the input it was asked with, and the answer. What came
    before is found by `previous_id`, so that one response can be continued in several ways.
    Ids and labels, no keys: a row says who asked after the API key has gone.
    """

    project = models.ForeignKey(
        Project, verbose_name=_("project"), on_delete=models.CASCADE, related_name="+"
    )
    thread_id = models.UUIDField(_("first response"), editable=False)
    previous_id = models.UUIDField(_("previous response"), null=True, editable=False)
    position = models.PositiveIntegerField(_("steps before it"))
    key_name = models.CharField(_("API key"), max_length=120)
    user = models.CharField(_("user"), max_length=512, blank=True)
    llm_model = models.CharField(_("model"), max_length=120)
    status = models.CharField(_("status"), max_length=20)
    turns_ciphertext = models.TextField(editable=False)
    body_ciphertext = models.TextField(editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("stored response")
        verbose_name_plural = _("stored responses")
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("tenant", "-created_at"), name="stored_response_newest"),
            models.Index(fields=("thread_id", "position"), name="stored_response_thread"),
            models.Index(fields=("created_at",), name="stored_response_age"),
        )

    @override
    def __str__(self) -> str:
        return f"resp_{self.id.hex}"
