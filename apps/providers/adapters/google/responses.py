"""What Gemini says in its candidates and counts, read into the neutral types.

Source of the format: ai.google.dev/api/generate-content#v1beta.GenerateContentResponse.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from apps.core.chat import FinishReason, TokenUsage
from apps.providers.adapters.base import ProviderCall
from apps.providers.adapters.reading import as_list, as_mapping, count_of

FINISH_REASONS: Mapping[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    # There is more to come, which nobody will ask for.
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "NO_IMAGE": "content_filter",
}
# IMAGE_SAFETY, IMAGE_RECITATION, IMAGE_OTHER, and what may be added to them.
IMAGES = "IMAGE_"
BLOCKED = "PROHIBITED_CONTENT"
NO_REASON = "FINISH_REASON_UNSPECIFIED"
# The model spoiled its own answer: what there is of it is no answer.
SPOILED = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
    }
)
SHORT_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
ID_CHARACTERS = 20


def candidates_of(chunk: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the candidates of a chunk, which may have none."""
    return [as_mapping(candidate) for candidate in as_list(chunk.get("candidates"))]


def parts_of(candidate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the parts of a candidate; one without content has none."""
    parts = as_mapping(candidate.get("content")).get("parts")
    return [as_mapping(part) for part in parts] if isinstance(parts, list) else []


def reason_of(candidate: Mapping[str, Any]) -> str:
    """Return the provider's own word for why it stopped, empty while it goes on."""
    reason = candidate.get("finishReason")
    return str(reason) if reason and reason != NO_REASON else ""


def is_blocked(chunk: Mapping[str, Any]) -> bool:
    """Tell whether the prompt was refused: there is no candidate then."""
    feedback = as_mapping(chunk.get("promptFeedback"))
    return bool(feedback.get("blockReason")) and not chunk.get("candidates")


def read_finish_reason(reason: str, *, has_calls: bool) -> FinishReason:
    """Map the reason; one that is unknown still ends the answer, and calls end with STOP."""
    usual: FinishReason = "content_filter" if reason.startswith(IMAGES) else "stop"
    found = FINISH_REASONS.get(reason, usual)
    return "tool_calls" if found == "stop" and has_calls else found


def call_id(given: Any, call: ProviderCall, place: str) -> str:
    """Return the id of the call at this place of the answer: the provider's own, else one of ours.

    Ours is short, as other providers refuse long ones, and the same whenever it is asked for.
    """
    if isinstance(given, str) and SHORT_ID.fullmatch(given):
        return given
    digest = sha256(f"{call.request_id}/{place}/{given}".encode("utf-8", "replace")).hexdigest()
    return f"call_{digest[:ID_CHARACTERS]}"


def read_usage(counts: Any) -> TokenUsage | None:
    """Read the counts; cached tokens are inside the prompt's, thoughts beside the candidates'."""
    found = as_mapping(counts)
    if not isinstance(found.get("promptTokenCount"), int):
        return None
    thoughts = count_of(found, "thoughtsTokenCount")
    prompt = count_of(found, "promptTokenCount") + count_of(found, "toolUsePromptTokenCount")
    return TokenUsage(
        input_tokens=prompt,
        output_tokens=count_of(found, "candidatesTokenCount") + thoughts,
        cached_input_tokens=count_of(found, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
    )


def read_logprobs(candidate: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the probabilities of the tokens in the form of OpenAI's chat dialect."""
    result = as_mapping(candidate.get("logprobsResult"))
    chosen, rivals = result.get("chosenCandidates"), result.get("topCandidates")
    if not isinstance(chosen, list):
        return []
    beside = (
        rivals if isinstance(rivals, list) and len(rivals) == len(chosen) else [{}] * len(chosen)
    )
    return [
        {
            **_token(token),
            "top_logprobs": [
                _token(each) for each in as_list(as_mapping(others).get("candidates"))
            ],
        }
        for token, others in zip(chosen, beside, strict=True)
    ]


def _token(given: Any) -> dict[str, Any]:
    found = as_mapping(given)
    text = str(found.get("token") or "")
    return {
        "token": text,
        "logprob": found.get("logProbability") or 0.0,
        "bytes": list(text.encode("utf-8", "replace")),
    }
