"""Watches one attempt: times it, tells the health board, and books it when it has ended."""

from types import TracebackType
from typing import Self

from apps.api_keys.types import TokenCorrection
from apps.core.chat import TokenUsage
from apps.core.clock import unix_ms
from apps.gateway.billing import deployment_of, estimate_usage
from apps.gateway.health_board import board
from apps.gateway.recording import AttemptClock, attempt_record
from apps.gateway.types import Run
from apps.providers.adapters.base import AttemptError, FailureKind
from apps.routing.engine.health import UNTOLD_RATE_BLOCK_MS
from apps.routing.engine.types import Attempt, HealthEvent, HealthEventKind

EVENT_OF_FAILURE: dict[FailureKind, HealthEventKind] = {
    "rejected": "rejected",
    "context_length": "rejected",
    "content_filter": "rejected",
    "not_expressible": "rejected",
    "credential": "credential",
    "rate_limited": "rate_limited",
    "timeout": "timeout",
    "unavailable": "error",
    "cut": "error",
}


class AttemptWatch:
    """One attempt from its start to its end; each of its ends is told once.

    What leaves its `with` block as an error ends the attempt; one that answered says so itself.
    """

    def __init__(self, run: Run, attempt: Attempt) -> None:
        self.attempt = attempt
        self.clock = AttemptClock()
        self._run = run
        self._deployment = deployment_of(run, attempt)
        # The call's own name: two attempts of one request may wait on one deployment.
        self._call_id = f"{run.ask.request_id.hex}:{len(run.attempts)}"
        self._first_token_ms = 0.0
        self._is_started = False
        self.is_ended = False
        # What the provider says it has charged; known once it has answered.
        self.usage: TokenUsage | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, AttemptError):
            self.failed(error, self.usage)
        elif error is not None and self._is_started:
            # The caller left, or this is a defect of ours: what was begun ends all the same.
            self.cancelled(self.usage or estimate_usage(self._run, self.attempt.model, ""))

    def started(self) -> None:
        self._is_started = True
        admission = self._run.admission
        is_taken = admission is not None and self.attempt.deployment_id in admission.levels
        # What the shared bucket told has this call's tokens taken from it already.
        self._tell("started", tokens=0 if is_taken else self.attempt.needed_tokens)

    def first_token(self) -> None:
        """Note the first token of a stream."""
        self._first_token_ms = self.clock.mark_first_token()
        self._tell("first_token", ttft_ms=self._first_token_ms)

    def succeeded(self, usage: TokenUsage, *, is_filtered: bool = False) -> None:
        """Book an attempt that answered, with what its estimate was off by."""
        spare = self.attempt.needed_tokens - usage.input_tokens - usage.output_tokens
        self._tell(
            "ok",
            elapsed_ms=self.clock.elapsed_ms(),
            ttft_ms=self._first_token_ms,
            # How quickly one answer is written: several are written side by side.
            output_tokens=usage.output_tokens // self._run.ask.chat.choices,
            tokens=spare,
        )
        self._correct(tokens=spare)
        if not is_filtered:
            self._run.chosen = self.attempt
        self._book(usage)

    def failed(self, error: AttemptError, usage: TokenUsage | None = None) -> None:
        """Book an attempt that failed; `usage` is what it had sent by then, by estimate."""
        wait_ms = round((error.retry_after_seconds or 0) * 1_000)
        self._tell(
            EVENT_OF_FAILURE[error.kind],
            elapsed_ms=self.clock.elapsed_ms(),
            retry_after_ms=wait_ms,
        )
        if error.kind == "rate_limited":
            self._correct(block_until_ms=unix_ms() + (wait_ms or UNTOLD_RATE_BLOCK_MS))
        self._book(usage, error=error)

    def cancelled(self, usage: TokenUsage) -> None:
        """Book an attempt whose caller went away: billed by estimate, it says so."""
        self._tell("cancelled")
        self._run.chosen = self.attempt
        self._book(usage, is_cancelled=True)

    def _correct(self, *, tokens: int = 0, block_until_ms: int = 0) -> None:
        """Leave word for the bucket that all workers share; it goes with the next trip."""
        per_minute = self._deployment.tokens_per_minute
        if per_minute:
            correction = TokenCorrection(
                self.attempt.deployment_id, per_minute, tokens, block_until_ms
            )
            self._run.corrections.append(correction)

    def _book(
        self,
        usage: TokenUsage | None,
        *,
        error: AttemptError | None = None,
        is_cancelled: bool = False,
    ) -> None:
        record = attempt_record(
            self._run,
            self.attempt,
            self.clock,
            usage=usage or TokenUsage(0, 0),
            error=error,
            is_cancelled=is_cancelled,
        )
        self._run.attempts.append(record)
        self.is_ended = True

    def _tell(
        self,
        kind: HealthEventKind,
        *,
        elapsed_ms: float = 0.0,
        ttft_ms: float = 0.0,
        retry_after_ms: int = 0,
        output_tokens: int = 0,
        tokens: float = 0.0,
    ) -> None:
        event = HealthEvent(
            deployment_id=self.attempt.deployment_id,
            kind=kind,
            at_ms=unix_ms(),
            call_id=self._call_id,
            provider=self.attempt.provider,
            credential=self._deployment.credential,
            is_retry=bool(self._run.attempts),
            elapsed_ms=elapsed_ms,
            ttft_ms=ttft_ms,
            retry_after_ms=retry_after_ms,
            output_tokens=output_tokens,
            tokens=tokens,
            tokens_per_minute=self._deployment.tokens_per_minute,
        )
        board.note(event)
