"""What PaLM demanded of a request (google-ai-generativelanguage, v1beta2 types)."""

from itertools import pairwise
from typing import Any

from apps.providers.wire_servers.demands import demand, is_objects, is_whole, is_within
from apps.providers.wire_servers.exchange import Exchange, Json
from apps.providers.wire_servers.gemini.schemas import refuse_unknown

KNOWN_MESSAGE = ("model", "prompt", "temperature", "candidateCount", "topP", "topK")
KNOWN_TEXT = (*KNOWN_MESSAGE, "maxOutputTokens", "stopSequences", "safetySettings")
MAX_CANDIDATES = 8
MAX_STOPS = 5


def check_text(exchange: Exchange) -> None:
    """Raise Refusal where a text would not have been generated."""
    body = exchange.body
    refuse_unknown(body, KNOWN_TEXT)
    prompt = body.get("prompt") or {}
    refuse_unknown(prompt, ("text",), "prompt")
    demand(prompt.get("text"), "* GenerateTextRequest.prompt.text: must not be empty")
    limit = body.get("maxOutputTokens", 1)
    demand(is_whole(limit, least=1), "* GenerateTextRequest.max_output_tokens: must be positive")
    message = f"* GenerateTextRequest.stop_sequences: at most {MAX_STOPS}"
    demand(len(body.get("stopSequences", [])) <= MAX_STOPS, message)
    _check_sampling(body)


def check_message(exchange: Exchange) -> None:
    """Raise Refusal where a message would not have been generated: there is no limit, no stop."""
    refuse_unknown(exchange.body, KNOWN_MESSAGE)
    _check_prompt(exchange.body.get("prompt") or {})
    _check_sampling(exchange.body)


def check_count(exchange: Exchange) -> None:
    """Raise Refusal where nothing could be counted."""
    refuse_unknown(exchange.body, ("model", "prompt"))
    _check_prompt(exchange.body.get("prompt") or {})


def check_embed(exchange: Exchange) -> None:
    """Raise Refusal where there is no text."""
    demand(exchange.body.get("text"), "* EmbedTextRequest.text: must not be empty")


def _check_prompt(prompt: Json) -> None:
    refuse_unknown(prompt, ("context", "examples", "messages"), "prompt")
    messages = prompt.get("messages")
    demand(is_objects(messages), "* MessagePrompt.messages: must not be empty")
    _check_alternate(messages)
    for example in prompt.get("examples", []):
        pair = (example.get("input") or {}, example.get("output") or {})
        message = "* MessagePrompt.examples: input and output must have content"
        demand(all(one.get("content") for one in pair), message)


def _check_alternate(messages: Any) -> None:
    filled = all(message.get("content") for message in messages)
    demand(filled, "* MessagePrompt.messages: content must not be empty")
    authors = [message.get("author", "") for message in messages]
    is_alternating = all(one != other or not one for one, other in pairwise(authors))
    demand(is_alternating, "* MessagePrompt.messages: authors must alternate")


def _check_sampling(body: Json) -> None:
    for name in ("temperature", "topP"):
        demand(is_within(body.get(name), 1), f"* {name}: must be in the range [0.0, 1.0]")
    count = body.get("candidateCount", 1)
    in_range = is_whole(count, least=1) and count <= MAX_CANDIDATES
    demand(in_range, f"* candidate_count: must be in the range [1, {MAX_CANDIDATES}]")
