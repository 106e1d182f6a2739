"""What the wires with grammars of their own share when they translate a request. Pure."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from apps.core.chat import ChatDetails, ToolCall
from apps.providers.adapters.base import AttemptError
from apps.providers.adapters.failures import not_expressible

# Models that know no answers in a schema fill in this tool instead.
ANSWER_TOOL = "give_the_answer"
ANSWER_TOOL_WORDS = "Give your final answer with this tool."
JSON_ONLY = "Answer with one JSON object and nothing else: no other words, no code fence."
DIGEST_CHARACTERS = 12


def arguments_of(call: ToolCall) -> Mapping[str, Any]:
    """Return a call's arguments as an object; raises AttemptError where they are none."""
    if not call.arguments.strip():
        return {}
    try:
        arguments = orjson.loads(call.arguments)
    except orjson.JSONDecodeError as error:
        raise _bad_arguments(call) from error
    if not isinstance(arguments, dict):
        raise _bad_arguments(call)
    return arguments


def callers_names(details: ChatDetails, legal_name: Callable[[str], str]) -> Mapping[str, str]:
    """Return the caller's names of tools by those that go out, where the two differ."""
    found = {legal_name(name): name for name in _names(details)}
    return {legal: name for legal, name in found.items() if legal != name}


def digest_of(name: str) -> str:
    """Return what keeps two names apart that differ in illegal letters or in their ends only."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:DIGEST_CHARACTERS]


def _bad_arguments(call: ToolCall) -> AttemptError:
    message = f"the arguments of the tool call {call.id!r} are not a JSON object"
    return not_expressible(message, param="messages")


def _names(details: ChatDetails) -> Iterator[str]:
    yield from (tool.name for tool in details.tools)
    for turn in details.turns:
        yield from (part.name for part in turn.parts if isinstance(part, ToolCall))
