"""Conversations for tests, with their turns encrypted as the product does it."""

from collections.abc import Sequence

from apps.conversations.models import Conversation, Turn
from apps.conversations.selectors import TURN_PURPOSE
from apps.core.chat import Message
from apps.core.crypto import seal
from apps.core.scoping import all_tenants
from apps.tenants.models import Project


def make_conversation(
    project: Project, messages: Sequence[Message], title: str = ""
) -> Conversation:
    """Create a conversation that already has these turns."""
    with all_tenants("tests"):
        conversation: Conversation = Conversation.objects.create(
            tenant_id=project.tenant_id, project=project, title=title, turn_count=len(messages)
        )
        for position, message in enumerate(messages):
            turn = Turn(
                tenant_id=project.tenant_id,
                conversation=conversation,
                position=position,
                role=message.role,
                tokens=len(message.text),
            )
            turn.ciphertext = seal(
                message.text, purpose=TURN_PURPOSE, tenant_id=project.tenant_id, row_id=turn.id
            )
            turn.save()
    return conversation
