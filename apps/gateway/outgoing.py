"""The request as one attempt sends it: with the thoughts that its provider can read again."""

from collections.abc import Iterator
from dataclasses import replace

from apps.core.chat import ChatRequest, Grammar, Part, Thinking, Turn
from apps.core.errors import InvalidRequest
from apps.gateway import thought_store
from apps.gateway.types import Run
from apps.providers.adapters.registry import signer_of


async def request_for(run: Run, adapter: str) -> ChatRequest:
    """Return the request for a wire.

    The router's own turns lose the thoughts of other providers, which are nobody's loss. The
    caller's get back what their dialect has no place for, where the provider wants to see it.
    """
    request = run.outgoing
    if request.before:
        request = _with_readable_thoughts(request, adapter)
    signer = signer_of(adapter)
    if signer is None or signer.dialect == request.dialect or "tools" not in request.needs:
        return request
    return await _with_recalled_thoughts(run, request, signer.origin)


def brings_thoughts_back(run: Run) -> bool:
    """Say whether the caller's dialect has a place for what the answering provider has signed."""
    reached = run.pinned.connections.get(run.chosen.deployment_id) if run.chosen else None
    signer = signer_of(reached.adapter) if reached else None
    return signer is not None and signer.dialect == run.ask.chat.dialect


def _with_readable_thoughts(request: ChatRequest, adapter: str) -> ChatRequest:
    before = tuple(_readable(request.before, adapter))
    callers = request.messages[len(request.before) :]
    messages = (*(turn.as_message() for turn in before), *callers)
    return replace(request, before=before, messages=messages)


def _readable(turns: tuple[Turn, ...], adapter: str) -> Iterator[Turn]:
    for turn in turns:
        parts = tuple(part for part in turn.parts if _is_readable(part, adapter))
        if len(parts) == len(turn.parts):
            yield turn
        elif parts:
            yield replace(turn, parts=parts)


def _is_readable(part: Part, adapter: str) -> bool:
    if not isinstance(part, Thinking):
        return True
    signer = signer_of(adapter)
    return part.origin in ("", adapter) if signer is None else part.origin == signer.origin


async def _with_recalled_thoughts(run: Run, request: ChatRequest, origin: str) -> ChatRequest:
    grammar = request.grammar
    if grammar is None:
        return request
    if run.recalled is None:
        try:
            details = grammar.read(request.raw)
        except InvalidRequest:
            # The adapter will say so, in its own way.
            return request
        found = await thought_store.recall(run.ask.caller, details.turns)
        run.recalled = details, found
    details, found = run.recalled
    whole = replace(details, turns=thought_store.put_back(details.turns, found, origin))
    return replace(request, grammar=Grammar(lambda _body: whole, grammar.amend))
