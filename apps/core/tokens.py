"""Token counts before the call: estimates that choose routes and reserve budgets, never bills."""

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.machinery import PathFinder
from typing import Any

from apps.core.chat import ChatRequest, Message, ToolCall, Turn

# Wrapping of one turn (role and separators), and of the answer that follows, in the chat format.
TOKENS_PER_MESSAGE = 4
TOKENS_PER_REPLY = 3

# Counting costs about 20 us per 1,000 characters; beyond this many a sample speaks for the whole.
COUNTED_CHARACTERS = 200_000
SAMPLES = 8

OLDER_ENCODING = "cl100k_base"
CURRENT_ENCODING = "o200k_base"
# Its ordinary tokens are all numbers below this one.
OLDER_VOCABULARY = 100_256
OLDER_FAMILIES = ("gpt-4-", "gpt-3.5", "gpt-35", "text-embedding-")

# Images cost from 85 to 1,600 tokens by size and vendor; files about 1,000 for each page, of which
# 75 KB are common, and no vendor reads more than some hundred pages.
IMAGE_TOKENS = 1_600
CHARACTERS_PER_FILE_TOKEN = 100
MOST_FILE_TOKENS = 100_000
# How the dialects wrap them: where base64 stands, what says its kind, and where an address stands.
DATA_FIELDS = ("data", "file_data")
KIND_FIELDS = ("media_type", "mimeType", "mime_type")
LINK_FIELDS = ("url", "fileUri", "file_uri")
LINK_HOLDERS = ("source", "image_url", "fileData", "file_data")
LEAST_ENCODED = 64
LONGEST_DATA_URL_HEAD = 100
LONGEST_SCHEME = 8

# Vendors that publish no vocabulary: hundredths of a token of ours, rounded towards the dearer side
# because budgets are reserved on them.
PERCENT_BY_FAMILY = (("claude", 125), ("gemini", 108), ("bison", 108))
# What a body holds beside the texts of its messages when it calls for one of these.
BEYOND_TEXT = frozenset({"tools", "vision", "audio", "files", "json_schema"})


def estimate_tokens(model: str, text: str) -> int:
    """Return about how many tokens `model` makes of `text`; bounded work for any length."""
    if not text:
        return 0
    name = model.rpartition("/")[2].lower()
    counted = _count(_encoding_of(name), text)
    return -(-counted * _percent_of(name) // 100)


def estimate_messages(model: str, messages: Iterable[Message]) -> int:
    """Return about how many input tokens a chat costs, the wrapping of its turns included."""
    turns = [estimate_tokens(model, message.text) + TOKENS_PER_MESSAGE for message in messages]
    return sum(turns) + TOKENS_PER_REPLY


def estimate_body(model: str, body: Mapping[str, Any]) -> int:
    """Return about how many input tokens a whole request costs, whatever its dialect.

    All words of the body count, its tools, calls and results among them, message by message: one
    more of anything never makes it less. Images and documents count by kind and size.
    """
    pieces: list[Any] = []
    for value in body.values():
        pieces.extend(value if isinstance(value, list) else [value])
    return sum(_estimate_piece(model, piece) for piece in pieces) + TOKENS_PER_REPLY


def estimate_request(model: str, request: ChatRequest) -> int:
    """Return about how many input tokens a request costs; plain texts are counted alone."""
    if request.embedding is not None:
        return estimate_messages(model, request.messages) + request.embedding.given_tokens
    if request.needs.isdisjoint(BEYOND_TEXT) or not request.raw:
        return estimate_messages(model, request.messages)
    before = (estimate_turn(model, turn) for turn in request.before)
    return estimate_body(model, request.raw) + sum(before)


def estimate_turn(model: str, turn: Turn) -> int:
    """Return about how many tokens the words of a turn are, those of its tool calls included."""
    calls = (part for part in turn.parts if isinstance(part, ToolCall))
    words = (turn.as_message().text, *(f"{call.name} {call.arguments}" for call in calls))
    return estimate_tokens(model, "\n".join(filter(None, words)))


def text_of_tokens(tokens: Sequence[int]) -> str:
    """Return the text that OpenAI's embedding models read in tokens; raises ValueError for none."""
    if not all(0 <= token < OLDER_VOCABULARY for token in tokens):
        raise ValueError("there is no such token")
    text: str = _tokenizer(OLDER_ENCODING).decode(list(tokens))
    return text


def preload_tokenizer() -> None:
    """Read the vocabulary now, so that the first request of a process does not wait for it."""
    estimate_tokens("", "ready")


def _estimate_piece(model: str, piece: Any) -> int:
    """Count what is in a JSON value; a list of our own in place of recursion, which can be deep."""
    words: list[str] = []
    media = 0
    waiting: list[tuple[str, str, Any]] = [("", "", piece)]
    while waiting:
        holder, kind, value = waiting.pop()
        if isinstance(value, dict):
            kind = str(next((value[name] for name in KIND_FIELDS if value.get(name)), ""))
            waiting.extend((name, kind, item) for name, item in value.items())
            words.extend(value)
            media += IMAGE_TOKENS if _is_linked(holder, value) else 0
        elif isinstance(value, list):
            waiting.extend((holder, kind, item) for item in value)
        elif isinstance(value, str) and _is_encoded(holder, value):
            media += _media_tokens(kind or value[:LONGEST_DATA_URL_HEAD], len(value))
        elif isinstance(value, str | int | float):
            words.append(str(value))
    return estimate_tokens(model, "\n".join(words)) + media


def _is_linked(holder: str, value: Mapping[str, Any]) -> bool:
    """Say whether an object is the address of an image or a document."""
    links = (value[name] for name in LINK_FIELDS if isinstance(value.get(name), str))
    return holder in LINK_HOLDERS and any("://" in link[:LONGEST_SCHEME] for link in links)


def _is_encoded(holder: str, text: str) -> bool:
    """Say whether a text is bytes in base64, which no model reads as a text."""
    if text.startswith("data:"):
        return ";base64," in text[:LONGEST_DATA_URL_HEAD]
    begin = text[:LEAST_ENCODED]
    return holder in DATA_FIELDS and len(begin) == LEAST_ENCODED and " " not in begin


def _media_tokens(kind: str, length: int) -> int:
    if "image" in kind:
        return IMAGE_TOKENS
    return min(1 + length // CHARACTERS_PER_FILE_TOKEN, MOST_FILE_TOKENS)


def _count(encoding: str, text: str) -> int:
    if len(text) <= COUNTED_CHARACTERS:
        return _exact(encoding, text)
    length = COUNTED_CHARACTERS // SAMPLES
    step = (len(text) - length) // (SAMPLES - 1)
    starts = range(0, step * SAMPLES, step)
    counted = sum(_exact(encoding, text[start : start + length]) for start in starts)
    return -(-counted * len(text) // (length * SAMPLES))


def _exact(encoding: str, text: str) -> int:
    # Half a surrogate pair is legal in JSON and has no UTF-8.
    readable = text if text.isascii() else text.encode("utf-8", "replace").decode()
    count: int = _tokenizer(encoding).count(readable)
    return count


def _encoding_of(name: str) -> str:
    is_older = name == "gpt-4" or name.startswith(OLDER_FAMILIES)
    return OLDER_ENCODING if is_older else CURRENT_ENCODING


def _percent_of(name: str) -> int:
    return next((percent for family, percent in PERCENT_BY_FAMILY if family in name), 100)


@lru_cache(maxsize=2)
def _tokenizer(encoding: str) -> Any:
    return _bindings().tokenizer_for_encoding(encoding)


@lru_cache(maxsize=1)
def _bindings() -> Any:
    # The package's own __init__ reads every vocabulary into Python dictionaries: half a second and
    # 60 MB in each worker. The compiled module inside it needs none of that.
    package = importlib.util.find_spec("bpe_openai")
    places = package.submodule_search_locations if package else None
    spec = PathFinder.find_spec("bpe_openai._bindings", places)
    if spec is None or spec.loader is None:
        raise ImportError("bpe-openai is not installed")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
