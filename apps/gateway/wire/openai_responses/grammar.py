"""The grammar of bodies of the Responses API: read in full, or amended as they are. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.core.chat import Body, ChatDetails, Grammar, Turn


def grammar_of(details: ChatDetails) -> Grammar:
    """Return the grammar of one body: every provider is asked in another dialect, so it was read
    in full when it came, with the history that it continues."""
    return Grammar(lambda _body: details, amend)


def amend(body: Body, before: Sequence[Turn], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body with messages before the caller's, and with what a rule sets."""
    given = body.get("input", ())
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    added = [{"role": turn.role, "content": turn.as_message().text} for turn in before]
    sampling = {name: parameters[name] for name in SAMPLING if name in parameters}
    amended = {**body, "input": [*added, *items], **sampling}
    if "reasoning_effort" in parameters:
        reasoning = {**(body.get("reasoning") or {}), "effort": parameters["reasoning_effort"]}
        amended["reasoning"] = reasoning
    return amended


SAMPLING = ("temperature", "top_p")
