"""The models that a simulated provider lists, in three languages: OpenAI, Anthropic, Gemini."""

from apps.providers.wire_servers.exchange import Exchange, Json, Refusal

OPENAI_MODELS = ("gpt-5-mini", "gpt-4.1-mini", "text-embedding-3-small", "vendor/model-with-slash")
ANTHROPIC_MODELS = ("claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-1")
GEMINI_MODELS = ("gemini-3-flash", "gemini-2.5-flash", "gemini-embedding-001")
PAGE_SIZE = 20
GEMINI_PAGE_SIZE = 50
CREATED_AT = "2025-09-29T00:00:00Z"


def accept(_exchange: Exchange) -> None:
    """Demand nothing."""


def check_openai(exchange: Exchange) -> None:
    """Refuse a model that is not listed."""
    _known(exchange, OPENAI_MODELS, f"The model '{exchange.model}' does not exist")


def check_anthropic(exchange: Exchange) -> None:
    """Refuse a model that is not listed."""
    _known(exchange, ANTHROPIC_MODELS, f"model: {exchange.model}")


def check_gemini(exchange: Exchange) -> None:
    """Refuse a model that is not listed."""
    message = f"models/{exchange.model} is not found for API version v1beta."
    _known(exchange, GEMINI_MODELS, message)


def openai_list(exchange: Exchange) -> Json:
    """Return all models; OpenAI has no pages here."""
    return {"object": "list", "data": [_openai_model(exchange, name) for name in OPENAI_MODELS]}


def openai_one(exchange: Exchange) -> Json:
    """Return one model, whose id may hold slashes."""
    return _openai_model(exchange, exchange.model)


def anthropic_list(exchange: Exchange) -> Json:
    """Return a page of models, by `limit`, `after_id` and `before_id`."""
    query = exchange.request.query
    first, last = 0, len(ANTHROPIC_MODELS)
    if query.get("after_id") in ANTHROPIC_MODELS:
        first = ANTHROPIC_MODELS.index(query["after_id"]) + 1
    if query.get("before_id") in ANTHROPIC_MODELS:
        last = ANTHROPIC_MODELS.index(query["before_id"])
    found = ANTHROPIC_MODELS[first:last]
    names = found[: int(query.get("limit", PAGE_SIZE))]
    return {
        "data": [_anthropic_model(name) for name in names],
        "has_more": len(names) < len(found),
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
    }


def anthropic_one(exchange: Exchange) -> Json:
    """Return one model."""
    return _anthropic_model(exchange.model)


def gemini_list(exchange: Exchange) -> Json:
    """Return a page of models, by `pageSize` and `pageToken`."""
    query = exchange.request.query
    first = int(query.get("pageToken") or 0)
    last = first + int(query.get("pageSize") or GEMINI_PAGE_SIZE)
    page: Json = {"models": [_gemini_model(name) for name in GEMINI_MODELS[first:last]]}
    return page | ({"nextPageToken": str(last)} if last < len(GEMINI_MODELS) else {})


def gemini_one(exchange: Exchange) -> Json:
    """Return one model."""
    return _gemini_model(exchange.model)


def _known(exchange: Exchange, models: tuple[str, ...], message: str) -> None:
    if exchange.model not in models:
        raise Refusal(404, message, param="model")


def _openai_model(exchange: Exchange, name: str) -> Json:
    return {"id": name, "object": "model", "created": exchange.moment, "owned_by": "system"}


def _anthropic_model(name: str) -> Json:
    title = name.replace("-", " ").title()
    return {"type": "model", "id": name, "display_name": title, "created_at": CREATED_AT}


def _gemini_model(name: str) -> Json:
    methods = ["embedContent"] if "embedding" in name else ["generateContent", "countTokens"]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": methods,
    }
