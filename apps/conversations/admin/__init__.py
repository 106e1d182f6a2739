"""Conversations and stored responses in the admin."""

from apps.conversations.admin.conversations import ConversationAdmin
from apps.conversations.admin.responses import StoredResponseAdmin

__all__ = ["ConversationAdmin", "StoredResponseAdmin"]
