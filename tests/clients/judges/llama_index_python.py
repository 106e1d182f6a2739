"""LlamaIndex, through its models of three vendors: a conversation goes from any to any."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import anthropic
import judging
import openai
from google.genai import errors as google_errors
from google.genai import types
from judging import CITIES, TEXT, check, name_of
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock, ThinkingBlock
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.google_genai import GoogleGenAIEmbedding
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.anthropic.utils import CLAUDE_MODELS
from llama_index.llms.google_genai import GoogleGenAI
from llama_index.llms.openai_like import OpenAILike, OpenAILikeResponses
from pydantic import BaseModel

OPENAI: dict[str, Any] = {
    "api_base": f"{judging.address()}/v1",
    "api_key": judging.key(),
    "max_retries": 0,
    "context_window": 200_000,
    "is_function_calling_model": True,
}
ANTHROPIC = {"base_url": judging.address(), "api_key": judging.key(), "max_retries": 0}
HTTP = types.HttpOptions(base_url=judging.address())
GOOGLE = {"http_options": HTTP, "api_key": judging.key(), "max_retries": 0}
judge = judging.Judge()


class Forecast(BaseModel, title="forecast"):
    """The weather."""

    city: str
    celsius: int


@dataclass(frozen=True, slots=True)
class Integration:
    """One of LlamaIndex's chat models; `usage` finds input and output tokens in an answer."""

    make: Callable[..., Any]
    usage: Callable[[Any], tuple[int, int]]
    thinking: Mapping[str, Any]
    refused: Mapping[str, Any]
    errors: Mapping[int, type[Exception]]


def usage_of_chat(answer: Any) -> tuple[int, int]:
    usage = answer.raw.usage
    return usage.prompt_tokens, usage.completion_tokens


def usage_of_responses(answer: Any) -> tuple[int, int]:
    usage = answer.additional_kwargs["usage"]
    return usage.input_tokens, usage.output_tokens


def usage_of_anthropic(answer: Any) -> tuple[int, int]:
    usage = answer.raw["usage"]
    read = usage if isinstance(usage, dict) else usage.model_dump()
    return read["input_tokens"], read["output_tokens"]


def usage_of_google(answer: Any) -> tuple[int, int]:
    usage = answer.raw["usage_metadata"]
    output = usage["candidates_token_count"] + (usage["thoughts_token_count"] or 0)
    return usage["prompt_token_count"], output


def anthropic_chat(model: str, **options: Any) -> Any:
    # LlamaIndex refuses names that its table does not have.
    CLAUDE_MODELS[model] = 200_000
    return Anthropic(model=model, **{"max_tokens": 4_096, **ANTHROPIC, **options})


def google_chat(thinking: Any = None, max_tokens: int | None = None, **options: Any) -> Any:
    if thinking:
        config = types.GenerateContentConfig(thinking_config=thinking)
        return GoogleGenAI(generation_config=config, **{**GOOGLE, **options})
    return GoogleGenAI(max_tokens=max_tokens, **{**GOOGLE, **options})


ERRORS_OF_OPENAI: Mapping[int, type[Exception]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    404: openai.NotFoundError,
    429: openai.RateLimitError,
    502: openai.InternalServerError,
    503: openai.InternalServerError,
}
INTEGRATIONS = {
    "openai": Integration(
        lambda **options: OpenAILike(is_chat_model=True, **{**OPENAI, **options}),
        usage_of_chat,
        {"reasoning_effort": "high"},
        {"additional_kwargs": {"max_tokens": -1}},
        ERRORS_OF_OPENAI,
    ),
    "responses": Integration(
        lambda **options: OpenAILikeResponses(**{**OPENAI, **options}),
        usage_of_responses,
        {"reasoning_options": {"effort": "high", "summary": "auto"}},
        {"additional_kwargs": {"max_output_tokens": -1}},
        ERRORS_OF_OPENAI,
    ),
    "anthropic": Integration(
        anthropic_chat,
        usage_of_anthropic,
        {"thinking_dict": {"type": "enabled", "budget_tokens": 2_048}, "temperature": 1},
        {"additional_kwargs": {"max_tokens": -1}},
        {
            400: anthropic.BadRequestError,
            401: anthropic.AuthenticationError,
            404: anthropic.NotFoundError,
            429: anthropic.RateLimitError,
            502: anthropic.InternalServerError,
            503: getattr(anthropic, "ServiceUnavailableError", anthropic.InternalServerError),
            529: getattr(anthropic, "OverloadedError", anthropic.InternalServerError),
        },
    ),
    "google": Integration(
        google_chat,
        usage_of_google,
        {"thinking": types.ThinkingConfig(include_thoughts=True, thinking_budget=2_048)},
        {"max_tokens": -1},
        {
            400: google_errors.ClientError,
            401: google_errors.ClientError,
            404: google_errors.ClientError,
            429: google_errors.ClientError,
            502: google_errors.ServerError,
            503: google_errors.ServerError,
        },
    ),
}


def get_weather(city: str, unit: str = "°C") -> str:
    """Tell the weather in a city."""
    return f"{judging.RESULT} ({city}, {unit})"


NO_CALLERS = (("anthropic", "google"),)
TOOLS = [FunctionTool.from_defaults(get_weather)]


def chat(integration: str, model: str, **options: Any) -> Any:
    return INTEGRATIONS[integration].make(model=model, **options)


def ask(llm: Any, *messages: Any, is_streamed: bool = False, tools: Any = ()) -> Any:
    """Return the answer, the last of those that a stream gives."""
    told = list(messages) or [ChatMessage("Hello")]
    if tools:
        asked: dict[str, Any] = {"chat_history": told, "allow_parallel_tool_calls": True}
        if not is_streamed:
            return llm.chat_with_tools(tools, **asked)
        return [*llm.stream_chat_with_tools(tools, **asked)][-1]
    return [*llm.stream_chat(told)][-1] if is_streamed else llm.chat(told)


def check_text(integration: str, answer: Any) -> None:
    check(answer.message.content, TEXT)
    expected = (20, 7) if integration == "anthropic" else (25, 7)
    check(INTEGRATIONS[integration].usage(answer), expected, "usage")


@judge.case_of(INTEGRATIONS)
def text(integration: str, wire: str) -> None:
    check_text(integration, ask(chat(integration, name_of(wire, "text"))))


@judge.case_of(INTEGRATIONS)
def text_streamed(integration: str, wire: str) -> None:
    # LlamaIndex asks for the usage of a stream only where it is told to.
    asked = {"additional_kwargs": {"stream_options": {"include_usage": True}}}
    options = asked if integration == "openai" else {}
    llm = chat(integration, name_of(wire, "text"), **options)
    check_text(integration, ask(llm, is_streamed=True))


def call_tools(llm: Any, history: list[Any], cities: list[Any], **options: Any) -> None:
    """Ask, and put the calls and their results behind the history."""
    answer = ask(llm, *history, tools=TOOLS, **options)
    calls = llm.get_tool_calls_from_response(answer)
    check([call.tool_kwargs for call in calls], cities, "arguments")
    check([call.tool_name for call in calls], ["get_weather"] * len(cities), "names")
    history.append(answer.message)
    for call in calls:
        named = {"tool_call_id": call.tool_id, "name": call.tool_name}
        history.append(ChatMessage(judging.RESULT, role="tool", additional_kwargs=named))


def say(llm: Any, history: list[Any], **options: Any) -> None:
    """Ask for a text, and put it behind the history."""
    message = ask(llm, *history, tools=TOOLS, **options).message
    check(message.content, TEXT)
    history.append(message)


def loop(integration: str, wire: str, **options: Any) -> None:
    llm = chat(integration, name_of(wire, "parallel_tools"))
    history: list[Any] = [ChatMessage(judging.QUESTION)]
    call_tools(llm, history, CITIES, **options)
    say(llm, history, **options)


@judge.case_of(INTEGRATIONS)
def tools(integration: str, wire: str) -> None:
    loop(integration, wire)


@judge.case_of(INTEGRATIONS)
def tools_streamed(integration: str, wire: str) -> None:
    loop(integration, wire, is_streamed=True)


@judge.case_of(INTEGRATIONS)
def images(integration: str, wire: str) -> None:
    picture = ImageBlock(image=base64.b64decode(judging.PNG), image_mimetype="image/png")
    message = ChatMessage(role="user", blocks=[TextBlock(text="What is this?"), picture])
    check_text(integration, ask(chat(integration, name_of(wire, "text")), message))


@judge.case_of(INTEGRATIONS)
def schema(integration: str, wire: str) -> None:
    # Either the answer is the object, or a tool is to be called with it: where the API has no form
    # for it, and never for a model whose name LlamaIndex does not take for a caller of tools.
    is_called = integration in ("openai", "anthropic") and (integration, wire) not in NO_CALLERS
    script = "forecast_call" if is_called else "forecast"
    shaped = chat(integration, name_of(wire, script)).as_structured_llm(Forecast)
    # Streamed calls of Anthropic's it reads well as calls, but makes empty objects of them.
    for is_streamed in (False,) if integration == "anthropic" else (False, True):
        answer = ask(shaped, is_streamed=is_streamed)
        check(answer.raw.model_dump(), judging.FORECAST)


@judge.case_of(INTEGRATIONS)
def thoughts(integration: str, wire: str) -> None:
    options = INTEGRATIONS[integration].thinking
    for is_streamed in (False, True):
        llm = chat(integration, name_of(wire, "thinking"), **options)
        message = ask(llm, is_streamed=is_streamed).message
        told = [block.content for block in message.blocks if isinstance(block, ThinkingBlock)]
        check("".join(filter(None, told)), judging.THOUGHT, "thought")
        check(message.content, TEXT)


def converse(integrations: tuple[str, str], wires: tuple[str, ...], *, is_streamed: bool) -> None:
    """Hold one conversation on all wires, and through two integrations by turns."""
    first, second, third = wires
    history: list[Any] = []
    turns = ((first, second, "thinking_tools"), (second, third, "parallel_tools"))
    for caller, answerer, script in (*turns, (third, first, "tools")):
        history.append(ChatMessage(judging.QUESTION))
        cities = CITIES[:1] if script == "tools" else CITIES
        calling = thinking(integrations[0], name_of(caller, script))
        call_tools(calling, history, cities, is_streamed=is_streamed)
        saying = thinking(integrations[1], name_of(answerer, "thinking_tools"))
        say(saying, history, is_streamed=is_streamed)


def thinking(integration: str, model: str) -> Any:
    return chat(integration, model, **INTEGRATIONS[integration].thinking)


@judge.case_of(INTEGRATIONS)
def provider_changes(integration: str, wire: str) -> None:
    for wires in judging.changes_from(wire):
        for is_streamed in (False, True):
            converse((integration, integration), wires, is_streamed=is_streamed)


# Not begun through OpenAI's APIs: LlamaIndex keeps their arguments as a text, and gives them so to
# the others. Nor through Gemini's: where that has no id for a call, as before its third generation,
# the tool's name becomes one, and a turn's second call of the tool would have it too.
CHANGES = [f"anthropic and {other}" for other in INTEGRATIONS if other != "anthropic"]


@judge.case_of(CHANGES)
def integration_changes(integrations: str, wire: str) -> None:
    one, other = integrations.split(" and ")
    for wires, is_streamed in zip(judging.changes_from(wire), (False, True), strict=True):
        converse((one, other), wires, is_streamed=is_streamed)


@judge.case_of(INTEGRATIONS)
def errors(integration: str, wire: str) -> None:
    own = INTEGRATIONS[integration]
    kinds = dict(own.errors)
    for script, usual in judging.FAILURES.items():
        status = 529 if script == "529" and 529 in kinds else usual
        for is_streamed in (False, True):
            llm = chat(integration, judging.failing(wire, script, integration, is_streamed))
            judging.check_error(kinds, status, partial(ask, llm, is_streamed=is_streamed))
    judging.check_error(kinds, 404, lambda: ask(chat(integration, "nobody")))
    refused = partial(chat, integration, name_of(wire, "text"), **own.refused)
    judging.check_error(kinds, 400, lambda: ask(refused()))
    stranger = partial(chat, integration, name_of(wire, "text"), api_key="llmr_nobody")
    judging.check_error(kinds, 401, lambda: ask(stranger()))


@judge.case_of(INTEGRATIONS)
def cut_stream(integration: str, wire: str) -> None:
    for script in judging.CUT:
        llm = chat(integration, name_of(wire, script))
        judging.check_broken(script, partial(ask, llm, is_streamed=True))


@judge.case
def embeddings(wire: str) -> None:
    if wire not in judging.VECTOR_MODELS:
        return
    name = judging.VECTOR_MODELS[wire]
    plain = {key: OPENAI[key] for key in ("api_base", "api_key", "max_retries")}
    vectors = OpenAIEmbedding(model_name=name, **plain).get_text_embedding_batch(["one", "two"])
    check(len(vectors), 2, "vectors")
    config = types.EmbedContentConfig()
    gemini = GoogleGenAIEmbedding(
        model_name=name,
        api_key=judging.key(),
        http_options=HTTP,
        embedding_config=config,
        retries=0,
    )
    others = gemini.get_text_embedding_batch(["one", "two"])
    check([len(each) for each in others], [len(each) for each in vectors], "dimensions")


judge.without(models="LlamaIndex has no call for the list of models")
judge.run()
