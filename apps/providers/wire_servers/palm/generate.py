"""PaLM's text and messages, which Google retired (google-ai-generativelanguage, v1beta2 types)."""

from apps.providers.wire_servers.demands import counted, vector_of
from apps.providers.wire_servers.exchange import Exchange, Json

DIMENSIONS = 768
CATEGORY = "HARM_CATEGORY_TOXICITY"
MODEL_AUTHOR = "1"


def generate_text(exchange: Exchange) -> Json:
    """Return candidates, or the filter that took them; there are no counts and no reasons."""
    if exchange.script.reason == "content_filter":
        return {"filters": [{"reason": "SAFETY"}], "safetyFeedback": [_feedback()]}
    rating = {"category": CATEGORY, "probability": "NEGLIGIBLE"}
    count = exchange.body.get("candidateCount", 1)
    candidate = {"output": exchange.script.text, "safetyRatings": [rating]}
    return {"candidates": [candidate] * count}


def generate_message(exchange: Exchange) -> Json:
    """Return candidates beside the messages that they answer."""
    messages = exchange.body["prompt"]["messages"]
    if exchange.script.reason == "content_filter":
        return {"messages": messages, "filters": [{"reason": "SAFETY"}]}
    count = exchange.body.get("candidateCount", 1)
    candidate = {"author": MODEL_AUTHOR, "content": exchange.script.text}
    return {"messages": messages, "candidates": [candidate] * count}


def count_message_tokens(exchange: Exchange) -> Json:
    """Return an estimate that grows with the prompt."""
    return {"tokenCount": counted(exchange.body["prompt"])}


def embed_text(exchange: Exchange) -> Json:
    """Return the vector of a text."""
    return {"embedding": {"value": vector_of(exchange.body["text"], DIMENSIONS)}}


def _feedback() -> Json:
    return {
        "rating": {"category": CATEGORY, "probability": "HIGH"},
        "setting": {"category": CATEGORY, "threshold": "BLOCK_LOW_AND_ABOVE"},
    }
