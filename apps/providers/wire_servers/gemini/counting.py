"""Gemini's countTokens and embeddings (ai.google.dev/api/tokens and /embeddings)."""

from apps.providers.wire_servers.demands import counted, vector_of
from apps.providers.wire_servers.exchange import Exchange, Json
from apps.providers.wire_servers.gemini.spelling import camelled

DIMENSIONS = 3072


def count_tokens(exchange: Exchange) -> Json:
    """Return an estimate that grows with instruction, tools and contents."""
    body = camelled(exchange.body)
    inner = body.get("generateContentRequest") or body
    names = ("systemInstruction", "tools", "contents")
    tokens = counted(*(inner.get(name) for name in names))
    details = [{"modality": "TEXT", "tokenCount": tokens}]
    return {"totalTokens": tokens, "promptTokensDetails": details}


def embed(exchange: Exchange) -> Json:
    """Return the vector of one content."""
    return {"embedding": _vector(camelled(exchange.body))}


def embed_batch(exchange: Exchange) -> Json:
    """Return one vector for each request, in their order."""
    return {"embeddings": [_vector(one) for one in camelled(exchange.body)["requests"]]}


def _vector(body: Json) -> Json:
    text = " ".join(part["text"] for part in body["content"]["parts"])
    return {"values": vector_of(text, body.get("outputDimensionality", DIMENSIONS))}
