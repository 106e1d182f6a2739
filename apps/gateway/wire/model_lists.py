"""Lists of models as the vendors' clients read them. Pure.

Sources of the formats: the API references of OpenAI ("Models"), Anthropic ("Models") and Gemini
("models.list"). When a model was made is not known here: the vendors say the epoch then.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.errors import InvalidRequest

EPOCH = "1970-01-01T00:00:00Z"
USUAL_PAGE, LARGEST_PAGE = 20, 1_000
USUAL_GEMINI_PAGE = 50
GEMINI_PREFIX = "models/"
ANSWERING_METHODS = ("generateContent", "streamGenerateContent", "countTokens")
EMBEDDING_METHODS = ("embedContent", "batchEmbedContents")

type Query = Mapping[str, Any]
type Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListedModel:
    """What a key may ask for: a model, or an alias with the limits of its first model."""

    name: str
    owner: str
    lifecycle: str = "active"
    context_window: int = 0
    max_output_tokens: int = 0
    makes_vectors: bool = False


@dataclass(frozen=True, slots=True)
class ModelLists:
    """How one dialect tells all models, page by page, and a single one."""

    render_all: Callable[[Sequence[ListedModel], Query], Record]
    render_one: Callable[[ListedModel], Record]


# --- OpenAI ---------------------------------------------------------------------------------------


def _openai_all(models: Sequence[ListedModel], _query: Query) -> Record:
    return {"object": "list", "data": [_openai_one(model) for model in models]}


def _openai_one(model: ListedModel) -> Record:
    return {"id": model.name, "object": "model", "created": 0, "owned_by": model.owner}


# --- Anthropic ------------------------------------------------------------------------------------


def _anthropic_all(models: Sequence[ListedModel], query: Query) -> Record:
    size = _page_size(query, "limit", usual=USUAL_PAGE)
    start, end = 0, len(models)
    if query.get("after_id"):
        start = _place(models, query["after_id"], "after_id") + 1
    if query.get("before_id"):
        end = _place(models, query["before_id"], "before_id")
        # The page that ends just before it.
        page, has_more = models[max(start, end - size) : end], end - size > start
    else:
        page, has_more = models[start : start + size], start + size < end
    return {
        "data": [_anthropic_one(model) for model in page],
        "has_more": has_more,
        "first_id": page[0].name if page else None,
        "last_id": page[-1].name if page else None,
    }


def _anthropic_one(model: ListedModel) -> Record:
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.name,
        "created_at": EPOCH,
        "lifecycle": model.lifecycle,
        "max_input_tokens": model.context_window or None,
        "max_tokens": model.max_output_tokens or None,
    }


def _place(models: Sequence[ListedModel], name: Any, param: str) -> int:
    found = next((place for place, model in enumerate(models) if model.name == name), None)
    if found is None:
        raise InvalidRequest(f"there is no model {name!r} in this list", param=param)
    return found


# --- Gemini ---------------------------------------------------------------------------------------


def _gemini_all(models: Sequence[ListedModel], query: Query) -> Record:
    size = _page_size(query, "pageSize", usual=USUAL_GEMINI_PAGE)
    start = (
        _place(models, _read_token(query["pageToken"]), "pageToken")
        if query.get("pageToken")
        else 0
    )
    page = models[start : start + size]
    body: Record = {"models": [_gemini_one(model) for model in page]}
    if start + size < len(models):
        body["nextPageToken"] = _token(models[start + size].name)
    return body


def _gemini_one(model: ListedModel) -> Record:
    methods = EMBEDDING_METHODS if model.makes_vectors else ANSWERING_METHODS
    return {
        "name": f"{GEMINI_PREFIX}{model.name}",
        "version": "1",
        "displayName": model.name,
        "inputTokenLimit": model.context_window,
        "outputTokenLimit": model.max_output_tokens,
        "supportedGenerationMethods": list(methods),
    }


def _token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _read_token(token: Any) -> str:
    try:
        return base64.b64decode(str(token), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("this is no token of an earlier page", param="pageToken") from error


# --- Shared ---------------------------------------------------------------------------------------


LONGEST_SIZE = 4


def _page_size(query: Query, name: str, *, usual: int) -> int:
    text = str(query.get(name, usual))
    size = int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_SIZE else 0
    if not 1 <= size <= LARGEST_PAGE:
        raise InvalidRequest(f"{name} is a whole number from 1 to {LARGEST_PAGE}", param=name)
    return size


OPENAI = ModelLists(_openai_all, _openai_one)
ANTHROPIC = ModelLists(_anthropic_all, _anthropic_one)
GEMINI = ModelLists(_gemini_all, _gemini_one)
