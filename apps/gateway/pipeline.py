"""The one pipeline of every door: prepare, decide, finish, admit, dispatch, settle."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from http import HTTPStatus
from types import TracebackType

from apps.api_keys import limits
from apps.api_keys.errors import TokensShort
from apps.conversations import context_manager
from apps.conversations.types import Context
from apps.core.chat import ChatResponse, Message, Text, Turn
from apps.core.errors import (
    AccessDenied,
    BudgetExceeded,
    NotFound,
    ProviderRateLimited,
    RateLimited,
    RouterError,
)
from apps.core.tokens import estimate_messages
from apps.gateway import cache, dispatch, thought_store
from apps.gateway.facts import gather
from apps.gateway.fail_over import LONGEST_WAIT_SECONDS, decide_now, decide_with_patience
from apps.gateway.outgoing import brings_thoughts_back
from apps.gateway.recording import Status, usage_event
from apps.gateway.refusals import refusal_of
from apps.gateway.reservations import reserve
from apps.gateway.types import Ask, Completion, Run
from apps.prompts.prompt_engine import CompiledPrompt, render
from apps.routing.snapshot_store import snapshot_store
from apps.usage.codec import encode_event

RUN_SCOPE = "run"
# What a history may fill of the largest window, so that an answer still fits.
HISTORY_SHARE_PERCENT = 75


class Settling:
    """Settles the request whose error leaves this block: a refusal, a caller who left, a defect."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            return
        if isinstance(error, RouterError):
            error.rate = error.rate or self._run.rate
            await settle(self._run, status_of(error), error)
        elif isinstance(error, Exception):
            await settle(self._run, "error", RouterError("an internal error"))
        else:
            # The caller left; what was begun must be booked all the same.
            await asyncio.shield(asyncio.create_task(settle(self._run, "cancelled")))


async def complete(ask: Ask) -> Completion:
    """Return the whole answer; raises RouterError. Whatever happens is settled, once."""
    run = await begin(ask)
    async with Settling(run):
        cached = await admitted(run)
        response = cached or await dispatch.complete(run)
    await settle(run, "ok", response=response)
    await remember(run, response)
    return Completion(run, response)


async def route(ask: Ask) -> Run:
    """Only decide: nothing is called, reserved or booked; raises RouterError."""
    run = await begin(ask)
    await _prepare(run)
    run.facts = await gather(run)
    run.decide_on(decide_now(run))
    return run


def status_of(error: RouterError) -> Status:
    """Return how the books call a request that ended in this error."""
    is_ours = error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return "error" if is_ours or isinstance(error, ProviderRateLimited) else "rejected"


async def begin(ask: Ask) -> Run:
    """Pin the snapshots of a request whose caller may run requests."""
    if RUN_SCOPE not in ask.caller.scopes:
        raise AccessDenied(f"this API key lacks the scope {RUN_SCOPE!r}")
    return Run(ask, await snapshot_store().pin(ask.caller.tenant_id))


async def admitted(run: Run) -> ChatResponse | None:
    """Take the steps up to the call; returns the cached answer if there is one."""
    await _prepare(run)
    await _decide(run)
    await _finish(run)
    return await _admit(run)


async def _prepare(run: Run) -> None:
    """What the request names itself: a conversation's history, a prompt template."""
    ask = run.ask
    if ask.prompt_template:
        prompt = _prompt(run, ask.prompt_template)
        run.rendered = _turns(render(prompt, ask.variables))
        run.template_label = prompt.label
    history: tuple[Turn, ...] = ()
    if ask.conversation_id:
        run.context = await context_manager.load(ask.caller, ask.conversation_id)
        # What is kept is kept in full: a request that cannot be read so is refused before the call.
        run.callers = ask.chat.details().turns
        # A template that is named in every turn must not repeat its system message.
        known = [turn for turn in run.context.history if turn.role == "system"]
        run.rendered = tuple(turn for turn in run.rendered if turn not in known)
        history = _fitting_history(run, run.context)
    system = (turn for turn in run.rendered if turn.role == "system")
    run.prefix = (*system, *history)


def _turns(messages: Iterable[Message]) -> tuple[Turn, ...]:
    return tuple(message.as_turn() for message in messages)


def _fitting_history(run: Run, context: Context) -> tuple[Turn, ...]:
    incoming = (*run.rendered, *run.callers)
    room = _largest_window(run) * HISTORY_SHARE_PERCENT // 100
    kept = context_manager.fit(context, incoming, max_tokens=room)
    return kept[: len(kept) - len(incoming)]


async def _decide(run: Run) -> None:
    run.facts = await gather(run)
    await _plan(run)


async def _plan(run: Run) -> None:
    """Decide with the facts as they stand, waiting a moment for who rests; raises RouterError."""
    run.decide_on(await decide_with_patience(run, run.started + LONGEST_WAIT_SECONDS))
    if run.decided().outcome != "route":
        raise refusal_of(run.decided(), run.known_facts())


async def _finish(run: Run) -> None:
    """What the rule adds: its prompt; the hard filters then look at the longer request again."""
    template = run.decided().effects.prompt_template
    if not template or run.ask.chat.embedding is not None:
        # A vector is of the caller's text alone.
        return
    prompt = _prompt(run, template)
    added = render(prompt, run.ask.variables, ignore_unknown=True)
    run.prefix = (*_turns(added), *run.prefix)
    run.template_label = ", ".join(filter(None, (prompt.label, run.template_label)))
    tokens = estimate_messages(run.ask.chat.model, added)
    run.facts = replace(run.known_facts(), added_tokens=tokens)
    await _plan(run)


async def _admit(run: Run) -> ChatResponse | None:
    """Reserve the dearest planned attempt; when it does not fit, plan again with what is left."""
    while True:
        # Another plan is another answer.
        _look_for_answer(run)
        try:
            return await _reserve(run)
        except BudgetExceeded as shortage:
            left = max(int(shortage.details["left"]), 0)
            if run.known_facts().budget_left is not None:
                raise
            run.facts = replace(run.known_facts(), budget_left=left)
            again = decide_now(run)
            if again.outcome != "route":
                raise
            run.decide_on(again)
        except TokensShort:
            # The buckets' levels are known now: somebody else, or a short wait.
            await _plan(run)


def _look_for_answer(run: Run) -> None:
    # Whoever asks for several answers wants to see how they differ.
    if run.decided().effects.cache_seconds and run.ask.chat.choices == 1:
        run.answer_key = cache.answer_key(run)
        run.cache = "miss"


async def _reserve(run: Run) -> ChatResponse | None:
    admission = await reserve(run)
    if admission.cached_answer is None:
        return None
    return await _open_cached(run, admission.cached_answer)


async def _open_cached(run: Run, sealed: bytes) -> ChatResponse | None:
    opened = cache.open_answer(run.answer_key, run, sealed)
    if opened is not None and not cache.can_serve(run, opened[1]):
        opened = None
    if opened is None:
        # Unreadable: admit again without looking, the new answer will replace it.
        run.answer_key, run.cache = "", "miss"
        return await _reserve(run)
    model, response = opened
    run.cache = "hit"
    run.dropped = response.dropped
    run.chosen = run.decided().attempts[0]._replace(model=model)
    return response


async def settle(
    run: Run,
    status: Status,
    error: RouterError | None = None,
    response: ChatResponse | None = None,
) -> None:
    """One trip: charge, release, append the event, keep the answer when the rule wants it."""
    run.is_settled = True
    if isinstance(error, RateLimited):
        # A flood of refusals must not become a flood of rows; the metrics count them.
        return
    answer = b""
    is_wanted = bool(run.answer_key) and run.cache == "miss"
    if is_wanted and response is not None and cache.is_cacheable(response):
        answer = cache.seal_answer(run.answer_key, run, response)
    await limits.settle(
        limits.Settlement(
            request_id=run.ask.request_id,
            budget_key=limits.budget_key(run.ask.caller, run.started_ms),
            cost=run.cost,
            event=encode_event(usage_event(run, status=status, error=error)),
            answer_key=run.answer_key if answer else "",
            corrections=tuple(run.corrections),
            answer=answer,
            answer_seconds=run.decided().effects.cache_seconds if answer else 0,
        )
    )


async def remember(run: Run, response: ChatResponse) -> None:
    """Keep what the next turn needs: the conversation's turns in full, signed thoughts."""
    if not brings_thoughts_back(run):
        await thought_store.keep(run.ask.caller, response)
    if run.context is None:
        return
    answer = Turn("assistant", response.parts or (Text(response.text),))
    turns = (*run.rendered, *run.callers, answer)
    run.context = await context_manager.append(run.ask.caller, run.context, turns, response.usage)


def _prompt(run: Run, slug: str) -> CompiledPrompt:
    prompt = run.pinned.prompts.get(slug)
    if prompt is None:
        raise NotFound(f"there is no published prompt template {slug!r}", param="prompt_template")
    return prompt


def _largest_window(run: Run) -> int:
    snapshot = run.pinned.snapshot
    windows = (snapshot.models[name].context_window for name in snapshot.deployments)
    return max(windows, default=0)
