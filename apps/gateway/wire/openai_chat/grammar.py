"""The grammar of OpenAI chat bodies: read in full, or amended as they are. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.core.chat import Body, Grammar, Turn
from apps.gateway.wire.openai_chat.details import read_details
from apps.providers.adapters.openai.turns import build_messages


def amend(body: Body, before: Sequence[Turn], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body with messages before the caller's, and with what a rule sets."""
    messages = [*build_messages(before), *body.get("messages", ())]
    return {**body, "messages": messages, **parameters}


GRAMMAR = Grammar(read_details, amend)
