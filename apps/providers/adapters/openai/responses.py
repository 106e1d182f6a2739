"""What an OpenAI-compatible server answers, read tolerantly into the neutral types."""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.chat import (
    AnswerPart,
    ChatResponse,
    Choice,
    FinishReason,
    Text,
    Thinking,
    TokenUsage,
)
from apps.providers.adapters.base import AttemptError, ProviderCall
from apps.providers.adapters.openai.calls import read_calls
from apps.providers.adapters.openai.errors import error_in_body
from apps.providers.adapters.openai.requests import DIALECT, Outgoing
from apps.providers.adapters.openai.thoughts import (
    ORIGIN,
    field_thought,
    split_content,
    split_inline,
)
from apps.providers.adapters.reading import (
    as_list,
    as_mapping,
    count_of,
    estimated_usage,
    is_count,
    parse_object,
    said,
)

FINISH_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
# OpenRouter's word for a provider behind it that failed half-way.
BROKEN_OFF = "error"


def read_answer(body: bytes, call: ProviderCall, outgoing: Outgoing) -> ChatResponse:
    """Read a whole answer; raises AttemptError when it is none."""
    raw = parse_object(body)
    choices = choices_of(raw)[: call.request.choices]
    if raw.get("error") and not choices:
        # Some gateways of providers say it with a successful status.
        raise error_in_body(raw["error"], secret=call.connection.secret)
    if not choices:
        raise AttemptError("unavailable", "the provider's answer has no choices")
    if any(choice.get("finish_reason") == BROKEN_OFF for choice in choices):
        raise AttemptError("unavailable", "the provider broke off its answer")
    first, *others = (_read_choice(choice, outgoing) for choice in choices)
    usage = read_usage(usage_in(raw)) or estimated_usage(call, _said(choices, outgoing))
    return ChatResponse(
        text=first.text,
        finish_reason=first.finish_reason,
        usage=usage,
        upstream_id=str(raw.get("id") or ""),
        raw=raw,
        raw_dialect=DIALECT,
        parts=first.parts,
        dropped=outgoing.dropped,
        logprobs=first.logprobs,
        others=tuple(others),
    )


def _read_choice(choice: dict[str, Any], outgoing: Outgoing) -> Choice:
    message = _message_of(choice)
    parts = tuple(_parts(message, outgoing))
    reason = read_finish_reason(choice, has_calls=bool(message.get("tool_calls")))
    return Choice(
        text="".join(part.text for part in parts if isinstance(part, Text)),
        finish_reason=reason or "stop",
        parts=parts if any(not isinstance(part, Text) for part in parts) else (),
        logprobs=read_logprobs(choice),
    )


def _said(choices: list[dict[str, Any]], outgoing: Outgoing) -> str:
    """Return all that was generated, for an estimate of its tokens."""
    messages = map(_message_of, choices)
    return "\n".join(said(_parts(message, outgoing)) or str(message) for message in messages)


def _message_of(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice.get("message")
    return message if isinstance(message, dict) else {}


def _parts(message: dict[str, Any], outgoing: Outgoing) -> Iterator[AnswerPart]:
    """Yield the thought, the text and the calls, as far as there are any."""
    text, thought = split_content(message.get("content"))
    thought = field_thought(message) or thought
    if not thought and outgoing.spelling.quirks.has_inline_thoughts:
        text, thought = split_inline(text)
    if thought:
        yield Thinking(thought, origin=ORIGIN)
    text = text or refusal_of(message)
    if text:
        yield Text(text)
    yield from read_calls(message, outgoing.spelling.names)


def choices_of(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the choices of an answer or a chunk; a chunk may have an empty list."""
    return [choice for choice in as_list(raw.get("choices")) if isinstance(choice, dict)]


def first_choice(raw: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the first choice, None when there is none."""
    choices = raw.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return None
    return choices[0]


def read_finish_reason(choice: dict[str, Any], *, has_calls: bool) -> FinishReason | None:
    """Map the reason; some servers say "stop" after calling tools, and unknown ones end too.

    A reason that hides the calls is put right in the choice as well.
    """
    reason = choice.get("finish_reason")
    if not reason:
        return None
    known = FINISH_REASONS.get(str(reason), "stop")
    if known == "stop" and has_calls:
        choice["finish_reason"] = "tool_calls"
        return "tool_calls"
    return known


def read_logprobs(choice: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the log probabilities, which have their neutral form already."""
    logprobs = choice.get("logprobs")
    return logprobs if isinstance(logprobs, dict) else None


def refusal_of(message: Mapping[str, Any]) -> str:
    """Return the words in which the model itself refuses, said in place of a text."""
    refusal = message.get("refusal")
    return refusal if isinstance(refusal, str) else ""


def usage_in(raw: Mapping[str, Any]) -> Any:
    """Return the counts of an answer or a chunk; Groq has a place of its own for them."""
    return raw.get("usage") or as_mapping(raw.get("x_groq")).get("usage")


def read_usage(usage: Any) -> TokenUsage | None:
    """Read the provider's own counts; None when it sent none."""
    if not isinstance(usage, dict) or not is_count(usage.get("prompt_tokens")):
        return None
    prompt = as_mapping(usage.get("prompt_tokens_details"))
    completion = as_mapping(usage.get("completion_tokens_details"))
    return TokenUsage(
        input_tokens=usage["prompt_tokens"],
        output_tokens=count_of(usage, "completion_tokens"),
        # DeepSeek's own word where there are no details.
        cached_input_tokens=count_of(prompt, "cached_tokens")
        or count_of(usage, "prompt_cache_hit_tokens"),
        cache_write_tokens=count_of(prompt, "cache_write_tokens"),
        reasoning_tokens=count_of(completion, "reasoning_tokens"),
    )
