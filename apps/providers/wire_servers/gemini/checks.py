"""What Gemini demands of a request: the 400s of its API, in its own words."""

from typing import Any

from apps.providers.wire_servers.demands import demand, is_whole, is_within
from apps.providers.wire_servers.exchange import Exchange, Json
from apps.providers.wire_servers.gemini.contents import check_contents, check_parts
from apps.providers.wire_servers.gemini.generate import is_newer
from apps.providers.wire_servers.gemini.schemas import check_schema, refuse_unknown
from apps.providers.wire_servers.gemini.spelling import camelled
from apps.providers.wire_servers.gemini.thinking import check_thinking
from apps.providers.wire_servers.gemini.tools import check_tools

KNOWN = (
    *("contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "model", "store"),
    *("safetySettings", "cachedContent", "serviceTier"),
)
KNOWN_CONFIG = (
    *("stopSequences", "responseMimeType", "responseSchema", "responseJsonSchema", "seed", "topP"),
    *("responseModalities", "candidateCount", "maxOutputTokens", "temperature", "topK", "logprobs"),
    *("presencePenalty", "frequencyPenalty", "responseLogprobs", "enableEnhancedCivicAnswers"),
    *("speechConfig", "thinkingConfig", "imageConfig", "mediaResolution"),
)
CONFIG = "generation_config"
MAX_STOPS = 5
MAX_CANDIDATES = 8
MAX_LOGPROBS = 20


def check_generate(exchange: Exchange) -> None:
    """Raise Refusal where Gemini would answer 400."""
    body = camelled(exchange.body)
    refuse_unknown(body, KNOWN)
    check_contents(body.get("contents"), exchange.model)
    _check_system(body.get("systemInstruction"))
    check_tools(body)
    config = body.get("generationConfig") or {}
    refuse_unknown(config, KNOWN_CONFIG, CONFIG)
    _check_config(config)
    check_thinking(config.get("thinkingConfig") or {}, exchange.model)
    _check_format(config, has_tools=bool(body.get("tools")), model=exchange.model)


def check_count(exchange: Exchange) -> None:
    """Raise Refusal where Gemini would not count: the contents, or a whole request, are needed."""
    body = camelled(exchange.body)
    refuse_unknown(body, ("contents", "generateContentRequest", "model"))
    inner = body.get("generateContentRequest") or body
    check_contents(inner.get("contents"), exchange.model)


def check_embed(exchange: Exchange) -> None:
    """Raise Refusal where Gemini would embed nothing."""
    _check_embed(camelled(exchange.body))


def check_batch(exchange: Exchange) -> None:
    """Raise Refusal where Gemini would not embed a batch: each part names its model."""
    requests = exchange.body.get("requests")
    demand(requests, "* BatchEmbedContentsRequest.requests: at least one request is required")
    for request in camelled(exchange.body)["requests"]:
        demand(request.get("model"), "* BatchEmbedContentsRequest.requests[].model: is required")
        _check_embed(request)


def _check_embed(body: Json) -> None:
    parts = (body.get("content") or {}).get("parts")
    message = "* EmbedContentRequest.content: contents is not specified"
    demand(parts and all(part.get("text") for part in parts), message)
    size = body.get("outputDimensionality", 1)
    demand(is_whole(size, least=1), "output_dimensionality must be positive")


def _check_system(instruction: Any) -> None:
    if instruction is not None:
        check_parts("system_instruction", instruction.get("parts"))


def _check_config(config: Json) -> None:
    for name, most in (("temperature", 2), ("topP", 1)):
        message = f"* GenerateContentRequest.{CONFIG}.{name}: must be in the range [0.0, {most}.0]"
        demand(is_within(config.get(name), most), message)
    limit = config.get("maxOutputTokens", 1)
    demand(is_whole(limit, least=1), f"* {CONFIG}.max_output_tokens: must be positive")
    stops = config.get("stopSequences", [])
    demand(
        isinstance(stops, list) and len(stops) <= MAX_STOPS and all(stops),
        f"* GenerateContentRequest.{CONFIG}.stop_sequences: at most {MAX_STOPS}, none empty",
    )
    count = config.get("candidateCount", 1)
    most = config.get("logprobs", 0)
    demand(
        config.get("responseLogprobs") or not most,
        f"* {CONFIG}.logprobs: response_logprobs must be true",
    )
    demand(is_within(most, MAX_LOGPROBS), f"* {CONFIG}.logprobs: at most {MAX_LOGPROBS}")
    in_range = is_whole(count, least=1) and count <= MAX_CANDIDATES
    demand(in_range, f"* {CONFIG}.candidate_count: must be in the range [1, {MAX_CANDIDATES}]")


def _check_format(config: Json, *, has_tools: bool, model: str) -> None:
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if config.get(name)]
    demand(len(schemas) < 2, "response_schema and response_json_schema cannot be set together")
    kind = config.get("responseMimeType", "text/plain")
    is_json = kind in ("application/json", "text/x.enum")
    demand(is_json or not schemas, "response_mime_type must be application/json for a schema")
    demand(
        not (is_json and has_tools) or is_newer(model),
        f"Function calling with a response mime type: '{kind}' is unsupported",
    )
    if "responseSchema" in schemas:
        check_schema(f"{CONFIG}.response_schema", config["responseSchema"])
