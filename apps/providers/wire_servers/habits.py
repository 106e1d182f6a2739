"""What servers that resemble OpenAI do in ways of their own, by the kind of server.

From the API references of the vendors and the sources of the open servers, November 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

type Index = Literal["counted", "missing", "zero"]
type UsagePlace = Literal["apart", "finish", "every", "groq"]
type ErrorShape = Literal["nested", "flat", "detail", "text"]

ALL_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


@dataclass(frozen=True, slots=True)
class Habits:
    """One kind of server; the defaults are OpenAI itself.

    `refused` are fields of the body, `refused_in_messages` fields of messages, `schemaless` a
    server that knows no JSON schema; `thought_field` "" stands for tags within the text.
    """

    accepts_unknown: bool = False
    refused: tuple[str, ...] = ()
    refused_in_messages: tuple[str, ...] = ()
    roles: tuple[str, ...] = ALL_ROLES
    # Ids of calls that it takes, in words of `re`, and how long its own are (0: as they come).
    call_ids: str = r"(?s).{1,40}"
    call_id_length: int = 0
    thought_field: str = "reasoning_content"
    # Mistral: thoughts are parts of the content.
    has_thought_parts: bool = False
    wants_thoughts_with_calls: bool = False
    wants_prefix: bool = False
    is_schemaless: bool = False
    has_object_arguments: bool = False
    index: Index = "counted"
    usage_place: UsagePlace = "apart"
    error_shape: ErrorShape = "nested"
    # Gives one answer, whatever `n` asks for.
    ignores_n: bool = False


OLDER_ROLES = ("system", "user", "assistant", "tool")
MESSAGE_EXTENSIONS = ("cache_control", "is_error", "reasoning", "thinking_blocks")
HABITS: Mapping[str, Habits] = {
    "openai": Habits(),
    "azure": Habits(),
    "mistral": Habits(
        accepts_unknown=True,
        refused=(
            *("stream_options", "max_completion_tokens", "logprobs", "top_logprobs", "seed"),
            *("user", "safety_identifier", "reasoning_effort", "store", "logit_bias"),
        ),
        refused_in_messages=("reasoning_content", "refusal", "name", *MESSAGE_EXTENSIONS),
        roles=OLDER_ROLES,
        call_ids="[a-zA-Z0-9]{9}",
        call_id_length=9,
        has_thought_parts=True,
        wants_prefix=True,
        usage_place="finish",
        error_shape="detail",
    ),
    "deepseek": Habits(
        accepts_unknown=True,
        refused=("max_completion_tokens",),
        roles=OLDER_ROLES,
        wants_thoughts_with_calls=True,
        is_schemaless=True,
        ignores_n=True,
    ),
    "groq": Habits(
        accepts_unknown=True,
        refused=("logprobs", "top_logprobs", "logit_bias"),
        refused_in_messages=("reasoning_content", "thinking_blocks", "cache_control", "is_error"),
        roles=OLDER_ROLES,
        thought_field="reasoning",
        usage_place="groq",
    ),
    "openrouter": Habits(
        accepts_unknown=True, roles=OLDER_ROLES, thought_field="reasoning", ignores_n=True
    ),
    "vllm": Habits(
        accepts_unknown=True,
        roles=OLDER_ROLES,
        thought_field="reasoning",
        usage_place="every",
        error_shape="flat",
    ),
    "llamacpp": Habits(accepts_unknown=True, roles=OLDER_ROLES, thought_field="", index="missing"),
    "ollama": Habits(
        accepts_unknown=True,
        ignores_n=True,
        roles=OLDER_ROLES,
        thought_field="reasoning",
        has_object_arguments=True,
        index="zero",
        error_shape="text",
    ),
    "compatible": Habits(
        accepts_unknown=True,
        refused=("max_completion_tokens",),
        roles=OLDER_ROLES,
        thought_field="",
    ),
}
