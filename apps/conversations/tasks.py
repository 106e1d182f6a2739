"""Scheduled work of the stored state."""

from celery import shared_task

from apps.conversations import stored_responses


@shared_task(name="conversations.drop_old_responses")
def drop_old_responses() -> int:
    """Delete the threads of stored responses that have been silent for too long."""
    return stored_responses.drop_old()
