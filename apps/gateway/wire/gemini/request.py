"""The Gemini dialect: what the router reads of every body. Pure.

Source of the format: ai.google.dev/api/generate-content. The model stands in the address.
"""

from collections.abc import Mapping
from typing import Any

from apps.core.chat import ChatRequest
from apps.core.errors import InvalidRequest
from apps.gateway.wire.fields import LONGEST_NAME, metadata, number, text, texts, whole
from apps.gateway.wire.gemini.contents import as_messages, read_contents, read_system
from apps.gateway.wire.gemini.grammar import GRAMMAR
from apps.gateway.wire.gemini.needs import needs_of
from apps.gateway.wire.gemini.options import config_of

MODELS = "models/"
MAX_CANDIDATES = 8


def parse(body: Mapping[str, Any], *, model: str, is_streamed: bool = False) -> ChatRequest:
    """Read a request body and the model of its address; raises InvalidRequest naming the field."""
    config, contents = config_of(body), read_contents(body)
    return ChatRequest(
        model=model_of(model),
        messages=as_messages(read_system(body), contents),
        dialect="gemini",
        stream=is_streamed,
        max_output_tokens=whole(config, "maxOutputTokens", minimum=1),
        temperature=number(config, "temperature", minimum=0, maximum=2),
        top_p=number(config, "topP", minimum=0, maximum=1),
        stop=texts(config, "stopSequences"),
        choices=whole(config, "candidateCount", minimum=1, maximum=MAX_CANDIDATES) or 1,
        needs=needs_of(body, contents, is_streamed=is_streamed),
        metadata=metadata({"metadata": body.get("labels")}),
        raw=body,
        grammar=GRAMMAR,
    )


def model_of(resource: str) -> str:
    """Return the name of a model by its address: `models/` says nothing, other folders do."""
    name = text({"model": resource.removeprefix(MODELS)}, "model", longest=LONGEST_NAME).strip()
    if not name:
        raise InvalidRequest("the address names a model, as models/NAME", param="model")
    return name
