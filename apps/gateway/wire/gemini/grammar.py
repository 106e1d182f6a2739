"""The grammar of Gemini bodies: read in full, or amended as they are. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.core.chat import Body, Grammar, Turn
from apps.gateway.wire.gemini.contents import Content, read_contents, read_system
from apps.gateway.wire.gemini.details import read_details
from apps.gateway.wire.gemini.options import CONFIG, THINKING
from apps.gateway.wire.gemini.signatures import is_foreign
from apps.gateway.wire.gemini.spelling import spelled
from apps.providers.adapters.google.turns import build_contents, build_system

# What a rule sets, in Gemini's words.
PARAMETERS: Mapping[str, str] = {
    "temperature": "temperature",
    "top_p": "topP",
    "seed": "seed",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
}
# Tokens for OpenAI's efforts, as Google's own translation has them
# (ai.google.dev/gemini-api/docs/openai#thinking); levels would be unknown to older models.
BUDGETS: Mapping[str, int] = {
    "none": 0,
    "minimal": 1_024,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
    "xhigh": 24_576,
    "max": 24_576,
}

type Record = dict[str, Any]


def amend(body: Body, before: Sequence[Turn], parameters: Mapping[str, Any]) -> Record:
    """Return the body with turns before the caller's, and with what a rule sets.

    Shorthands that Gemini does not know become legal, and what another provider has signed is left
    out: it has no meaning for Gemini, which would refuse it.
    """
    found = dict(body)
    said = [turn for turn in before if turn.role != "system"]
    contents = _legal(read_contents(body))
    found["contents"] = [*build_contents(said, []), *contents]
    system, instructions = read_system(body), build_system(before, [])
    if system is not None or instructions:
        parts = [*instructions, *(system.parts if system else ())]
        record = system.record if system else {}
        found[spelled(body, "systemInstruction")] = {**record, "parts": parts}
    if parameters:
        name = spelled(body, CONFIG)
        found[name] = _configured(body.get(name) or {}, parameters)
    return found


def _configured(config: Mapping[str, Any], parameters: Mapping[str, Any]) -> Record:
    found = dict(config)
    for ours, theirs in PARAMETERS.items():
        if ours in parameters:
            found[spelled(found, theirs)] = parameters[ours]
    effort = str(parameters.get("reasoning_effort"))
    if effort in BUDGETS:
        name = spelled(found, THINKING)
        given = found.get(name) or {}
        shown = spelled(given, "includeThoughts")
        kept = {shown: given[shown]} if shown in given else {}
        found[name] = {**kept, "thinkingBudget": BUDGETS[effort]}
    return found


def _legal(contents: Iterable[Content]) -> list[Record]:
    found: list[Record] = []
    for content in contents:
        parts = [readable for part in content.parts if (readable := _readable(part))]
        role = "model" if content.is_model else "user"
        if not parts:
            continue
        if content.is_model and found and found[-1]["role"] == role:
            # A streamed answer comes back as many contents, but is one turn to Gemini.
            found[-1]["parts"] += parts
        else:
            found.append({**content.record, "role": role, "parts": parts})
    return found


def _readable(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what Gemini can read of a part; nothing is left of another provider's thought."""
    name = spelled(part, "thoughtSignature")
    if not is_foreign(part.get(name)):
        return part
    return {} if part.get("thought") else {key: part[key] for key in part if key != name}


GRAMMAR = Grammar(read_details, amend, must_amend=True)
