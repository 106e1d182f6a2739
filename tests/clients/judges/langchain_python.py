"""LangChain, through the packages of three vendors: messages go from any to any."""

import functools
import gzip
import hashlib
import importlib.resources
import itertools
import operator
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import judging
import langchain_anthropic.chat_models as anthropic_errors
import langchain_google_genai.chat_models as google_errors
import langchain_openai.chat_models.base as openai_errors
from judging import CITIES, TEXT, check, name_of
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

OPENAI = {"base_url": f"{judging.address()}/v1", "api_key": judging.key(), "max_retries": 0}
ANTHROPIC = {"base_url": judging.address(), "api_key": judging.key(), "max_retries": 0}
# Google's client takes none for its own default.
GOOGLE = {"base_url": judging.address(), "api_key": judging.key(), "max_retries": 1}
# Where tiktoken looks for its vocabulary before it fetches it.
VOCABULARY_URL = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
FORECAST = {"title": "forecast", "description": "The weather.", **judging.FORECAST_SCHEMA}
judge = judging.Judge()


@dataclass(frozen=True, slots=True)
class Integration:
    """One of LangChain's chat models; `ended` is how it tells an answer that is whole."""

    make: Callable[..., Any]
    ended: tuple[str, str]
    thinking: Mapping[str, Any]
    refused: Mapping[str, Any]
    errors: Mapping[int, type[Exception]]
    too_long: type[Exception]


ERRORS_OF_OPENAI: Mapping[int, type[Exception]] = {
    400: openai_errors.OpenAIInvalidRequestError,
    401: openai_errors.OpenAIAuthenticationError,
    404: openai_errors.OpenAIModelNotFoundError,
    429: openai_errors.OpenAIRateLimitError,
    502: openai_errors.OpenAIAPIError,
    503: openai_errors.OpenAIAPIError,
}
INTEGRATIONS = {
    "openai": Integration(
        # LangChain asks for no usage of a stream where the address is not OpenAI's.
        partial(ChatOpenAI, stream_usage=True, **OPENAI),
        ("finish_reason", "stop"),
        {"reasoning_effort": "high"},
        {"max_tokens": 0},
        ERRORS_OF_OPENAI,
        openai_errors.OpenAIContextOverflowError,
    ),
    "responses": Integration(
        partial(ChatOpenAI, use_responses_api=True, **OPENAI),
        ("status", "completed"),
        {"reasoning": {"effort": "high", "summary": "auto"}},
        {"max_tokens": 0},
        ERRORS_OF_OPENAI,
        openai_errors.OpenAIContextOverflowError,
    ),
    "anthropic": Integration(
        partial(ChatAnthropic, max_tokens=4_096, **ANTHROPIC),
        ("stop_reason", "end_turn"),
        {"thinking": {"type": "enabled", "budget_tokens": 2_048}},
        {"max_tokens": 0},
        {
            400: anthropic_errors.AnthropicInvalidRequestError,
            401: anthropic_errors.AnthropicAuthenticationError,
            404: anthropic_errors.AnthropicModelNotFoundError,
            429: anthropic_errors.AnthropicRateLimitError,
            502: anthropic_errors.AnthropicAPIError,
            503: anthropic_errors.AnthropicAPIError,
            529: anthropic_errors.AnthropicOverloadedError,
        },
        anthropic_errors.AnthropicContextOverflowError,
    ),
    "google": Integration(
        partial(ChatGoogleGenerativeAI, **GOOGLE),
        ("finish_reason", "STOP"),
        {"include_thoughts": True, "thinking_budget": 2_048},
        {"max_output_tokens": -1},
        {
            400: google_errors.GoogleInvalidRequestError,
            401: google_errors.GoogleAuthenticationError,
            404: google_errors.GoogleModelNotFoundError,
            429: google_errors.GoogleRateLimitError,
            502: google_errors.GoogleAPIError,
            503: google_errors.GoogleAPIError,
        },
        google_errors.GoogleContextOverflowError,
    ),
}


@tool
def get_weather(city: str, unit: str = "°C") -> str:
    """Tell the weather in a city."""
    return f"{judging.RESULT} ({city}, {unit})"


def ask(runnable: Any, asked: Any = "Hello", *, is_streamed: bool = False) -> Any:
    """Return the answer, put together as LangChain does it if it was streamed."""
    if not is_streamed:
        return runnable.invoke(asked)
    return functools.reduce(operator.add, runnable.stream(asked))


def chat(integration: str, model: str, **options: Any) -> Any:
    return INTEGRATIONS[integration].make(model=model, **options)


def check_end(integration: str, message: Any) -> None:
    field, value = INTEGRATIONS[integration].ended
    check((message.text, message.response_metadata[field]), (TEXT, value))


def check_text(integration: str, message: Any) -> None:
    check_end(integration, message)
    usage = message.usage_metadata
    counted = (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"])
    check(counted, (25, 7, 32), "usage")
    check(usage["input_token_details"]["cache_read"], 5, "cached tokens")


@judge.case_of(INTEGRATIONS)
def text(integration: str, wire: str) -> None:
    check_text(integration, ask(chat(integration, name_of(wire, "text"))))


@judge.case_of(INTEGRATIONS)
def text_streamed(integration: str, wire: str) -> None:
    check_text(integration, ask(chat(integration, name_of(wire, "text")), is_streamed=True))


def call_tools(
    asked: Any, history: list[Any], cities: list[Any], *, is_streamed: bool = False
) -> None:
    """Ask, and put the calls and their results behind the history."""
    message = ask(asked, history, is_streamed=is_streamed)
    calls = message.tool_calls
    check([call["args"] for call in calls], cities, "arguments")
    check([call["name"] for call in calls], ["get_weather"] * len(cities), "names")
    check(len({call["id"] for call in calls}), len(cities), "ids")
    history.append(message)
    history += [ToolMessage(judging.RESULT, tool_call_id=call["id"]) for call in calls]


def loop(integration: str, wire: str, *, is_streamed: bool) -> None:
    model = chat(integration, name_of(wire, "parallel_tools")).bind_tools([get_weather])
    history: list[Any] = [HumanMessage(judging.QUESTION)]
    call_tools(model, history, CITIES, is_streamed=is_streamed)
    check_end(integration, ask(model, history, is_streamed=is_streamed))


@judge.case_of(INTEGRATIONS)
def tools(integration: str, wire: str) -> None:
    loop(integration, wire, is_streamed=False)


@judge.case_of(INTEGRATIONS)
def tools_streamed(integration: str, wire: str) -> None:
    loop(integration, wire, is_streamed=True)


@judge.case_of(INTEGRATIONS)
def images(integration: str, wire: str) -> None:
    picture = {"type": "image", "base64": judging.PNG, "mime_type": "image/png"}
    parts = [{"type": "text", "text": "What is this?"}, picture]
    model = chat(integration, name_of(wire, "text"))
    check_text(integration, ask(model, [HumanMessage(content=parts)]))


@judge.case_of(INTEGRATIONS)
def schema(integration: str, wire: str) -> None:
    for method, script in (("json_schema", "forecast"), ("function_calling", "forecast_call")):
        model = chat(integration, name_of(wire, script))
        shaped = model.with_structured_output(FORECAST, method=method)
        check(shaped.invoke("Hello"), judging.FORECAST, method)
        check([*shaped.stream("Hello")][-1], judging.FORECAST, f"{method}, streamed")


@judge.case_of([name for name in INTEGRATIONS if name != "openai"])
def thoughts(integration: str, wire: str) -> None:
    """Not through OpenAI's chat: LangChain leaves what servers that resemble it think."""
    options = INTEGRATIONS[integration].thinking
    for is_streamed in (False, True):
        model = chat(integration, name_of(wire, "thinking"), **options)
        message = ask(model, is_streamed=is_streamed)
        blocks = [block for block in message.content_blocks if block["type"] == "reasoning"]
        check("".join(block["reasoning"] for block in blocks), judging.THOUGHT, "thought")
        check_end(integration, message)


def converse(integrations: tuple[str, str], wires: tuple[str, ...], *, is_streamed: bool) -> None:
    """Hold one conversation on all wires, and through two integrations by turns."""
    first, second, third = wires
    history: list[Any] = []
    turns = ((first, second, "thinking_tools"), (second, third, "parallel_tools"))
    for caller, answerer, script in (*turns, (third, first, "tools")):
        history.append(HumanMessage(judging.QUESTION))
        calling = thinking(integrations[0], name_of(caller, script))
        cities = CITIES[:1] if script == "tools" else CITIES
        call_tools(calling, history, cities, is_streamed=is_streamed)
        saying = thinking(integrations[1], name_of(answerer, "thinking_tools"))
        message = ask(saying, history, is_streamed=is_streamed)
        check_end(integrations[1], message)
        history.append(message)


def thinking(integration: str, model: str) -> Any:
    options = INTEGRATIONS[integration].thinking
    return chat(integration, model, **options).bind_tools([get_weather])


@judge.case_of(INTEGRATIONS)
def provider_changes(integration: str, wire: str) -> None:
    for wires in judging.changes_from(wire):
        for is_streamed in (False, True):
            converse((integration, integration), wires, is_streamed=is_streamed)


# From Gemini's streamed answers LangChain makes lists of words. To OpenAI's chat it sends them as
# they are, which no server takes for content, and from OpenAI's responses it leaves them out.
WHOLE_ONLY = ("openai and google", "responses and google")
CHANGES = [f"{one} and {other}" for one, other in itertools.permutations(INTEGRATIONS, 2)]


@judge.case_of(CHANGES)
def integration_changes(integrations: str, wire: str) -> None:
    one, other = integrations.split(" and ")
    forms = (False, False) if integrations in WHOLE_ONLY else (False, True)
    for wires, is_streamed in zip(judging.changes_from(wire), forms, strict=True):
        converse((one, other), wires, is_streamed=is_streamed)


@judge.case_of(INTEGRATIONS)
def errors(integration: str, wire: str) -> None:
    own = INTEGRATIONS[integration]
    kinds = dict(own.errors)
    for script, usual in judging.FAILURES.items():
        status = 529 if script == "529" and 529 in kinds else usual
        told = {400: own.too_long} if script == "context_length" else kinds
        for is_streamed in (False, True):
            model = chat(integration, judging.failing(wire, script, integration, is_streamed))
            judging.check_error(told, status, partial(ask, model, is_streamed=is_streamed))
    judging.check_error(kinds, 404, partial(ask, chat(integration, "nobody")))
    refused = chat(integration, name_of(wire, "text"), **own.refused)
    judging.check_error(kinds, 400, partial(ask, refused))
    stranger = chat(integration, name_of(wire, "text"), api_key="llmr_nobody")
    judging.check_error(kinds, 401, partial(ask, stranger))


@judge.case_of(INTEGRATIONS)
def cut_stream(integration: str, wire: str) -> None:
    for script in judging.CUT:
        model = chat(integration, name_of(wire, script))
        judging.check_broken(script, partial(ask, model, is_streamed=True))


@judge.case
def embeddings(wire: str) -> None:
    if wire not in judging.VECTOR_MODELS:
        return
    name = judging.VECTOR_MODELS[wire]
    plain = OpenAIEmbeddings(model=name, check_embedding_ctx_length=False, **OPENAI)
    vectors = plain.embed_documents(["one", "two"])
    check(len(vectors), 2, "vectors")
    # LangChain's default: it sends tokens, of OpenAI's vocabulary for whatever model.
    tokens = OpenAIEmbeddings(model=name, **OPENAI)
    check(len(tokens.embed_documents(["one", "two"])[1]), len(vectors[1]), "dimensions")
    of_google = {key: GOOGLE[key] for key in ("base_url", "api_key")}
    gemini = GoogleGenerativeAIEmbeddings(model=name, **of_google)
    check(len(gemini.embed_documents(["one", "two"])[1]), len(vectors[1]), "dimensions")
    check(len(gemini.embed_query("one")), len(vectors[0]), "dimensions of a query")


@judge.case
def counts(wire: str) -> None:
    """Tokens are counted before a request is sent, where the vendor has a call for it."""
    for integration in ("anthropic", "google"):
        model = chat(integration, name_of(wire, "text"))
        counted = model.get_num_tokens_from_messages([HumanMessage("Hello")])
        check(counted > 0, True, f"{counted} tokens")


def put_vocabulary(folder: Path) -> None:
    """Give tiktoken its vocabulary, that it need not fetch it."""
    packed = importlib.resources.files("bpe_openai") / "data" / "cl100k_base.tiktoken.gz"
    name = hashlib.sha1(VOCABULARY_URL.encode(), usedforsecurity=False).hexdigest()
    (folder / name).write_bytes(gzip.decompress(packed.read_bytes()))
    os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)


judge.without(models="LangChain has no call for the list of models")
with tempfile.TemporaryDirectory() as place:
    put_vocabulary(Path(place))
    judge.run()
