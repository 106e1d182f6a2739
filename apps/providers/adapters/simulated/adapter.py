"""The built-in simulation: answers in process, at a pace, and fails when it is told to."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import override

from apps.core.chat import ChatResponse, Choice, FinishReason, StreamEvent, TokenUsage
from apps.core.clock import monotonic_seconds
from apps.core.tokens import estimate_messages, estimate_tokens
from apps.providers.adapters.base import AttemptError, ProviderAdapter, ProviderCall
from apps.providers.adapters.failures import kind_of_status, timed_out
from apps.providers.adapters.simulated.answers import answer_words, limit_words
from apps.providers.adapters.simulated.knobs import Knobs, read_knobs
from apps.providers.adapters.simulated.vectors import simulated_vectors
from apps.providers.adapters.vectors import asked_vectors, estimated_usage

RETRY_AFTER_SECONDS = 1.0
# An unpaced stream must still let its neighbours on the event loop have a turn.
WORDS_PER_TURN = 16


@dataclass(frozen=True, slots=True)
class _Answer:
    words: list[str]
    finish_reason: FinishReason
    usage: TokenUsage


class SimulatedAdapter(ProviderAdapter):
    """Deterministic: model, question and request id decide everything but the clock.

    Several answers to one request are the same.
    """

    @override
    async def complete(self, call: ProviderCall) -> ChatResponse:
        knobs = read_knobs(call.connection.simulation)
        latency = knobs.latency_ms / 1000
        await _wait(latency, call.timeouts.total)
        _fail_if_due(call, knobs)
        answer = _prepare(call, knobs)
        seconds = _writing_seconds(knobs, answer.usage.output_tokens)
        await _wait(seconds, max(0.0, call.timeouts.total - latency))
        return ChatResponse(
            text="".join(answer.words),
            finish_reason=answer.finish_reason,
            usage=answer.usage,
            upstream_id=_upstream_id(call),
            others=(Choice("".join(answer.words), answer.finish_reason),)
            * (call.request.choices - 1),
        )

    @override
    async def embed(self, call: ProviderCall) -> ChatResponse:
        knobs = read_knobs(call.connection.simulation)
        await _wait(knobs.latency_ms / 1000, call.timeouts.total)
        _fail_if_due(call, knobs)
        usage = replace(estimated_usage(call), is_estimated=False)
        vectors = simulated_vectors(asked_vectors(call))
        return ChatResponse("", "stop", usage, _upstream_id(call), vectors=vectors)

    @override
    async def stream(self, call: ProviderCall) -> AsyncIterator[StreamEvent]:
        knobs = read_knobs(call.connection.simulation)
        await _wait(knobs.latency_ms / 1000, call.timeouts.first_token)
        _fail_if_due(call, knobs)
        answer = _prepare(call, knobs)
        per_word = _writing_seconds(knobs, answer.usage.output_tokens) / max(1, len(answer.words))
        due = monotonic_seconds()
        choices = range(call.request.choices)
        for number, word in enumerate(answer.words, start=1):
            for choice in choices:
                yield StreamEvent(text=word, choice=choice)
            due += per_word
            if per_word or number % WORDS_PER_TURN == 0:
                await asyncio.sleep(max(0.0, due - monotonic_seconds()))
        for choice in choices[1:]:
            yield StreamEvent(finish_reason=answer.finish_reason, choice=choice)
        yield StreamEvent(finish_reason=answer.finish_reason, usage=answer.usage)


def _prepare(call: ProviderCall, knobs: Knobs) -> _Answer:
    model = call.connection.upstream_model
    whole = answer_words(call.request, model=model, wanted_tokens=knobs.output_tokens)
    words, is_cut = limit_words(whole, model=model, max_tokens=call.max_output_tokens)
    usage = TokenUsage(
        input_tokens=estimate_messages(model, call.request.messages),
        output_tokens=estimate_tokens(model, "".join(words)) * call.request.choices,
    )
    return _Answer(words, "length" if is_cut else "stop", usage)


def _writing_seconds(knobs: Knobs, output_tokens: int) -> float:
    return output_tokens / knobs.tokens_per_second if knobs.tokens_per_second else 0.0


async def _wait(seconds: float, limit: float) -> None:
    if seconds > limit:
        await asyncio.sleep(limit)
        raise timed_out("simulated latency", limit)
    if seconds:
        await asyncio.sleep(seconds)


def _fail_if_due(call: ProviderCall, knobs: Knobs) -> None:
    if _share_of(call.request_id, call.connection.upstream_model) >= knobs.failure_percent:
        return
    kind = kind_of_status(knobs.failure_status)
    raise AttemptError(
        kind,
        f"simulated failure with status {knobs.failure_status}",
        http_status=knobs.failure_status,
        retry_after_seconds=RETRY_AFTER_SECONDS if kind == "rate_limited" else None,
        provider_code="simulated_failure",
    )


def _share_of(request_id: str, model: str) -> int:
    """Return 0 to 99, always the same for one request and model."""
    digest = hashlib.sha256(f"{request_id}\0{model}".encode()).digest()
    return int.from_bytes(digest[:8]) % 100


def _upstream_id(call: ProviderCall) -> str:
    return f"sim-{hashlib.sha256(call.request_id.encode()).hexdigest()[:24]}"
