"""The grammar of Anthropic bodies: read in full, or amended as they are. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from apps.core.chat import Body, Grammar, Turn
from apps.gateway.wire.anthropic.details import read_details
from apps.gateway.wire.anthropic.mending import NO_THINKING, mended
from apps.gateway.wire.fields import mapping
from apps.providers.adapters.anthropic.turns import build_thread

# What a rule sets is in OpenAI's range.
MAX_TEMPERATURE = 1.0
SAMPLING = ("temperature", "top_p")
# The wire has no "minimal", and another word for "none".
EFFORTS: Mapping[str, str] = {"minimal": "low"}


def amend(body: Body, before: Sequence[Turn], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body with turns before the caller's, and with what a rule sets."""
    found = {**mended(body), **_system(body, before)}
    thread = build_thread(before, [])
    if thread:
        found["messages"] = [*thread, *found["messages"]]
    _set_effort(found, parameters.get("reasoning_effort"))
    _set_sampling(found, parameters)
    return found


def _system(body: Body, before: Sequence[Turn]) -> dict[str, Any]:
    """Return the router's instructions before the caller's, whose blocks stay as they are."""
    ours = [turn.as_message().text for turn in before if turn.role == "system"]
    own = body.get("system")
    if not ours:
        return {}
    if isinstance(own, list):
        return {"system": [*({"type": "text", "text": text} for text in ours), *own]}
    return {"system": "\n\n".join((*ours, own) if own else ours)}


def _set_effort(found: dict[str, Any], effort: str | None) -> None:
    if effort == "none":
        found["thinking"] = NO_THINKING
    elif effort:
        config = mapping(found, "output_config")
        found["output_config"] = {**config, "effort": EFFORTS.get(effort, effort)}


def _set_sampling(found: dict[str, Any], parameters: Mapping[str, Any]) -> None:
    """Set one of the two at most, and none while it thinks: the provider refuses more."""
    wanted = dict(_wanted(parameters))
    is_thinking = mapping(found, "thinking").get("type", "disabled") != "disabled"
    if not wanted or is_thinking:
        return
    for name in SAMPLING:
        found.pop(name, None)
    name, value = next(iter(wanted.items()))
    found[name] = value


def _wanted(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "temperature" in parameters:
        yield "temperature", min(parameters["temperature"], MAX_TEMPERATURE)
    if "top_p" in parameters:
        yield "top_p", parameters["top_p"]


GRAMMAR = Grammar(read_details, amend)
# Of a body that holds what Anthropic would refuse.
MENDING_GRAMMAR = replace(GRAMMAR, must_amend=True)
