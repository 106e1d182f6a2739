"""OpenAI's embeddings: floats, or base64 of little-endian float32 when asked for."""

import base64
import struct
from typing import Any

from apps.providers.wire_servers.demands import counted, demand, is_whole, vector_of
from apps.providers.wire_servers.exchange import Exchange, Json

DIMENSIONS = 1536


def check_embeddings(exchange: Exchange) -> None:
    """Raise Refusal where OpenAI would answer 400."""
    body = exchange.body
    demand(body.get("model"), "you must provide a model parameter")
    demand(body.get("input"), "'$.input' is invalid.", param="input")
    encoding = body.get("encoding_format", "float")
    demand(encoding in ("float", "base64"), f"'{encoding}' is invalid.", param="encoding_format")
    size = body.get("dimensions", DIMENSIONS)
    demand(is_whole(size, least=1), "Invalid 'dimensions'.", param="dimensions")


def answer(exchange: Exchange) -> Json:
    """Return one vector for each input, in their order."""
    body = exchange.body
    size = body.get("dimensions", DIMENSIONS)
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(body, vector_of(text, size))}
        for index, text in enumerate(_texts(body["input"]))
    ]
    tokens = counted(body["input"])
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": exchange.model, "usage": usage}


def _texts(given: Any) -> list[str]:
    """Tell one input (a text, or a list of tokens) from several."""
    is_one = isinstance(given, str) or isinstance(given[0], int)
    return [str(one) for one in ([given] if is_one else given)]


def _encoded(body: Json, vector: list[float]) -> list[float] | str:
    if body.get("encoding_format") != "base64":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
