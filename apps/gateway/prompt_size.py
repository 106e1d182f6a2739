"""How long a request is for a model, estimated before the call."""

from apps.core.tokens import estimate_body, estimate_messages, estimate_turn
from apps.gateway.types import Run

# What a body holds beside the texts of its messages when it calls for one of these.
BEYOND_TEXT = frozenset({"tools", "vision", "audio", "files", "json_schema"})


def estimate_prompt(run: Run, model: str) -> int:
    """Return about how many input tokens a run costs; a chat of plain texts counts only those."""
    chat = run.ask.chat
    if chat.embedding is not None:
        return estimate_messages(model, run.messages) + chat.embedding.given_tokens
    if chat.needs.isdisjoint(BEYOND_TEXT) or not chat.raw:
        return estimate_messages(model, run.messages)
    before = (estimate_turn(model, turn) for turn in run.before_callers)
    return estimate_body(model, chat.raw) + sum(before)
