"""What the servers that resemble OpenAI do differently: one table, by the kind of server. Pure.

Sources: the API references of the vendors (November 2026), and what the public trackers report.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from apps.providers.adapters.base import Connection

# OpenAI refuses longer ids of tool calls.
ANY_ID = re.compile(r".{1,40}", re.DOTALL)
NINE_LETTERS = re.compile(r"[a-zA-Z0-9]{9}")
NOTHING: frozenset[str] = frozenset()
# Fields of messages that other gateways and servers have added to the dialect.
EXTENSIONS = frozenset(
    {
        *("cache_control", "is_error", "thinking_blocks"),
        *("reasoning_content", "reasoning", "reasoning_details"),
    }
)
CACHE_MARKS = frozenset({"cache_control", "is_error"})
COMMON_EFFORTS = ("none", "low", "medium", "high")
# OpenAI's own, which a client sends back as it got them.
OPENAIS_OWN = frozenset({"refusal", "annotations", "audio", "function_call", "name"})


@dataclass(frozen=True, slots=True)
class Quirks:
    """One kind of server; the defaults are OpenAI itself.

    `limit_name` is the only name of the limit that it knows ("": it goes by the model);
    `refused` are fields of the body that it answers with an error, `renamed` those that it knows
    by another name, `refused_in_messages` fields of messages and their parts; `tool_ids` are the
    ids of calls that it takes, `tool_id_length` is the length of those that are made in place of
    others; `replayed_thoughts` is the field of a message in which it wants to see the thoughts
    before calls again ("": it wants none).
    """

    key_header: str = "authorization"
    names_model_in_path: bool = False
    api_version: str = ""
    limit_name: str = ""
    has_developer_role: bool = True
    takes_file_urls: bool = False
    refused: frozenset[str] = NOTHING
    refused_in_messages: frozenset[str] = EXTENSIONS
    renamed: Mapping[str, str] = field(default_factory=dict)
    user_field: str = "safety_identifier"
    has_top_k: bool = False
    has_allowed_tools: bool = True
    has_json_schema: bool = True
    # OpenRouter has an object of its own, which also takes a budget.
    reasoning: Literal["effort", "object", ""] = "effort"
    # From the least to the most; none here: it goes by the model.
    efforts: tuple[str, ...] = ()
    tool_ids: re.Pattern[str] = ANY_ID
    tool_id_length: int = 40
    replayed_thoughts: str = ""
    has_inline_thoughts: bool = False
    # A begun answer at the end must be marked as one.
    marks_prefix: bool = False
    # Several answers to one request; servers that do not refuse it may give one all the same.
    gives_choices: bool = True


OPENAI = Quirks()
QUIRKS: Mapping[str, Quirks] = {
    "openai": OPENAI,
    "azure": Quirks(
        key_header="api-key",
        names_model_in_path=True,
        api_version="2024-10-21",
        user_field="user",
    ),
    "mistral": Quirks(
        limit_name="max_tokens",
        has_developer_role=False,
        refused_in_messages=EXTENSIONS | OPENAIS_OWN,
        refused=frozenset(
            {
                *("stream_options", "logprobs", "top_logprobs", "user", "safety_identifier"),
                *("store", "logit_bias", "service_tier"),
            }
        ),
        renamed={"seed": "random_seed"},
        has_allowed_tools=False,
        reasoning="",
        tool_ids=NINE_LETTERS,
        tool_id_length=9,
        marks_prefix=True,
    ),
    "deepseek": Quirks(
        limit_name="max_tokens",
        has_developer_role=False,
        refused_in_messages=CACHE_MARKS,
        user_field="user",
        has_allowed_tools=False,
        has_json_schema=False,
        reasoning="",
        replayed_thoughts="reasoning_content",
        gives_choices=False,
    ),
    "groq": Quirks(
        efforts=COMMON_EFFORTS,
        limit_name="max_completion_tokens",
        has_developer_role=False,
        refused=frozenset({"logprobs", "top_logprobs", "logit_bias"}),
        user_field="user",
        has_allowed_tools=False,
        replayed_thoughts="reasoning",
        has_inline_thoughts=True,
        gives_choices=False,
    ),
    "openrouter": Quirks(
        efforts=("none", "minimal", "low", "medium", "high", "xhigh"),
        limit_name="max_tokens",
        has_developer_role=False,
        refused_in_messages=frozenset({"is_error"}),
        takes_file_urls=True,
        user_field="user",
        has_top_k=True,
        has_allowed_tools=False,
        reasoning="object",
        replayed_thoughts="reasoning",
        gives_choices=False,
    ),
    "vllm": Quirks(
        efforts=COMMON_EFFORTS,
        limit_name="max_tokens",
        has_developer_role=False,
        refused_in_messages=CACHE_MARKS,
        user_field="user",
        has_top_k=True,
        has_allowed_tools=False,
        replayed_thoughts="reasoning_content",
        has_inline_thoughts=True,
    ),
    "llamacpp": Quirks(
        limit_name="max_tokens",
        has_developer_role=False,
        refused_in_messages=CACHE_MARKS,
        user_field="user",
        has_top_k=True,
        has_allowed_tools=False,
        reasoning="",
        replayed_thoughts="reasoning_content",
        has_inline_thoughts=True,
    ),
    "ollama": Quirks(
        efforts=COMMON_EFFORTS,
        limit_name="max_tokens",
        has_developer_role=False,
        refused_in_messages=CACHE_MARKS,
        user_field="user",
        has_allowed_tools=False,
        replayed_thoughts="reasoning",
        has_inline_thoughts=True,
        gives_choices=False,
    ),
    # Any other server: only what all of them know.
    "compatible": Quirks(
        efforts=COMMON_EFFORTS,
        limit_name="max_tokens",
        has_developer_role=False,
        refused_in_messages=CACHE_MARKS,
        user_field="user",
        has_allowed_tools=False,
        has_inline_thoughts=True,
    ),
}
# Where nobody has said the kind, the address may tell it.
KIND_BY_HOST: Mapping[str, str] = {
    "openai.azure.com": "azure",
    "services.ai.azure.com": "azure",
    "mistral.ai": "mistral",
    "deepseek.com": "deepseek",
    "groq.com": "groq",
    "openrouter.ai": "openrouter",
}


def quirks_of(connection: Connection) -> Quirks:
    """Return the quirks of the server behind a connection; OpenAI's where nothing tells."""
    return _quirks(connection.server_kind, connection.base_url)


@lru_cache(maxsize=1_024)
def _quirks(kind: str, base_url: str) -> Quirks:
    return QUIRKS.get(kind or _kind_of_host(base_url), OPENAI)


def _kind_of_host(base_url: str) -> str:
    host = urlsplit(base_url).hostname or ""
    found = (kind for name, kind in KIND_BY_HOST.items() if f".{host}".endswith(f".{name}"))
    return next(found, "")
