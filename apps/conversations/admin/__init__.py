"""Conversations in the admin."""

from apps.conversations.admin.conversations import ConversationAdmin

__all__ = ["ConversationAdmin"]
