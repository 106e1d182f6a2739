"""Pydantic AI, through its models of three vendors: a conversation goes from any to any."""

import base64
import itertools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import judging
from anthropic import AsyncAnthropic
from judging import CITIES, TEXT, check, name_of
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import (
    Agent,
    BinaryContent,
    Embedder,
    NativeOutput,
    PromptedOutput,
    ToolOutput,
    UsageLimits,
    exceptions,
)
from pydantic_ai.direct import model_request_stream_sync, model_request_sync
from pydantic_ai.embeddings.google import GoogleEmbeddingModel
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.messages import ModelRequest, ToolReturnPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.tools import ToolDefinition

type Provider = Callable[[str], Any]

TOOLS = [ToolDefinition(name="get_weather", parameters_json_schema=judging.WEATHER)]
THINKING: dict[str, Any] = {"thinking": "high"}


def class_of(kind: type[exceptions.ModelAPIError]) -> type[Exception]:
    """Return the class of the library's own that is both, this kind and an error of HTTP."""
    made = exceptions.ModelHTTPError.for_category(kind, status_code=0, model_name="")
    return type(made)


TOO_LONG = class_of(exceptions.ModelContextWindowExceededError)
UNAVAILABLE = class_of(exceptions.ModelUnavailableError)
OVERLOADED = class_of(exceptions.ModelOverloadedError)
ERRORS = {
    400: class_of(exceptions.ModelRequestRejectedError),
    401: class_of(exceptions.ModelAuthenticationError),
    404: class_of(exceptions.ModelNotFoundError),
    429: class_of(exceptions.ModelRateLimitError),
    502: class_of(exceptions.ModelServerError),
    503: OVERLOADED,
    529: OVERLOADED,
}
judge = judging.Judge()


class Forecast(BaseModel):
    """The weather."""

    city: str
    celsius: int


def of_openai(key: str) -> OpenAIProvider:
    url = f"{judging.address()}/v1"
    return OpenAIProvider(openai_client=AsyncOpenAI(base_url=url, api_key=key, max_retries=0))


def of_anthropic(key: str) -> AnthropicProvider:
    url = judging.address()
    client = AsyncAnthropic(base_url=url, api_key=key, max_retries=0)
    return AnthropicProvider(anthropic_client=client)


def of_google(key: str) -> GoogleProvider:
    return GoogleProvider(base_url=judging.address(), api_key=key)


# The class of the model, who reaches the router, and what a request has that it refuses.
INTEGRATIONS: Mapping[str, tuple[Any, Provider, Mapping[str, Any]]] = {
    "openai": (OpenAIChatModel, of_openai, {"max_tokens": 0}),
    "responses": (OpenAIResponsesModel, of_openai, {"max_tokens": 0}),
    "anthropic": (AnthropicModel, of_anthropic, {"max_tokens": 0}),
    "google": (GoogleModel, of_google, {"max_tokens": -1}),
}


def chat(integration: str, model: str, key: str = "") -> Any:
    made, provider, _refused = INTEGRATIONS[integration]
    # Only of the models that the library knows by name it knows that they keep to a schema.
    profile = {"supports_json_schema_output": True}
    return made(model, provider=provider(key or judging.key()), profile=profile)


def asking(words: Any) -> ModelRequest:
    return ModelRequest(parts=[UserPromptPart(content=words)])


def ask(
    model: Any,
    *messages: Any,
    is_streamed: bool = False,
    tools: Any = (),
    settings: Mapping[str, Any] | None = None,
) -> Any:
    """Return the response, put together by the library if it was streamed."""
    told = list(messages) or [asking("Hello")]
    parameters = ModelRequestParameters(function_tools=[*tools])
    asked: dict[str, Any] = {"model_settings": settings, "model_request_parameters": parameters}
    if not is_streamed:
        return model_request_sync(model, told, **asked)
    with model_request_stream_sync(model, told, **asked) as stream:
        for _event in stream:
            pass
        return stream.response


def check_end(response: Any) -> None:
    check((response.text, response.finish_reason), (TEXT, "stop"))


def check_text(response: Any) -> None:
    check_end(response)
    usage = response.usage
    counted = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens)
    check(counted, (25, 7, 5), "usage")


@judge.case_of(INTEGRATIONS)
def text(integration: str, wire: str) -> None:
    check_text(ask(chat(integration, name_of(wire, "text"))))


@judge.case_of(INTEGRATIONS)
def text_streamed(integration: str, wire: str) -> None:
    check_text(ask(chat(integration, name_of(wire, "text")), is_streamed=True))


def agent_of(integration: str, model: str) -> tuple[Any, list[Any]]:
    """Return an agent that may call a tool, and what the tool was called with."""
    seen: list[Any] = []
    agent = Agent(chat(integration, model))

    @agent.tool_plain
    def get_weather(city: str, unit: str = "°C") -> str:
        """Tell the weather in a city."""
        seen.append({"city": city, "unit": unit})
        return judging.RESULT

    return agent, seen


@judge.case_of(INTEGRATIONS)
def tools(integration: str, wire: str) -> None:
    agent, seen = agent_of(integration, name_of(wire, "parallel_tools"))
    check(agent.run_sync(judging.QUESTION).output, TEXT)
    check(sorted(seen, key=str), sorted(CITIES, key=str), "arguments")


@judge.case_of(INTEGRATIONS)
def tools_streamed(integration: str, wire: str) -> None:
    agent, seen = agent_of(integration, name_of(wire, "parallel_tools"))
    check(agent.run_stream_sync(judging.QUESTION).get_output(), TEXT)
    check(sorted(seen, key=str), sorted(CITIES, key=str), "arguments")


@judge.case_of(INTEGRATIONS)
def images(integration: str, wire: str) -> None:
    picture = BinaryContent(base64.b64decode(judging.PNG), media_type="image/png")
    check_text(ask(chat(integration, name_of(wire, "text")), asking(["What is this?", picture])))


@judge.case_of(INTEGRATIONS)
def schema(integration: str, wire: str) -> None:
    forms = {
        "forecast": (NativeOutput(Forecast, name="forecast"), PromptedOutput(Forecast)),
        "forecast_call": (ToolOutput(Forecast, name="forecast"),),
    }
    for script, outputs in forms.items():
        for output in outputs:
            agent: Any = Agent(chat(integration, name_of(wire, script)), output_type=output)
            what = type(output).__name__
            check(agent.run_sync("Hello").output.model_dump(), judging.FORECAST, what)
            streamed = agent.run_stream_sync("Hello").get_output()
            check(streamed.model_dump(), judging.FORECAST, f"{what}, streamed")


@judge.case_of(INTEGRATIONS)
def thoughts(integration: str, wire: str) -> None:
    for is_streamed in (False, True):
        model = chat(integration, name_of(wire, "thinking"))
        response = ask(model, is_streamed=is_streamed, settings=THINKING)
        check(response.thinking, judging.THOUGHT, "thought")
        check_end(response)


def call_tools(model: Any, history: list[Any], cities: list[Any], **options: Any) -> None:
    """Ask, and put the calls and their results behind the history."""
    response = ask(model, *history, tools=TOOLS, settings=THINKING, **options)
    calls = response.tool_calls
    check([call.args_as_dict() for call in calls], cities, "arguments")
    check([call.tool_name for call in calls], ["get_weather"] * len(cities), "names")
    check(len({call.tool_call_id for call in calls}), len(cities), "ids")
    results = [
        ToolReturnPart(call.tool_name, judging.RESULT, tool_call_id=call.tool_call_id)
        for call in calls
    ]
    history += [response, ModelRequest(parts=results)]


def say(model: Any, history: list[Any], **options: Any) -> None:
    """Ask for a text, and put it behind the history."""
    response = ask(model, *history, tools=TOOLS, settings=THINKING, **options)
    check_end(response)
    history.append(response)


def converse(integrations: tuple[str, str], wires: tuple[str, ...], *, is_streamed: bool) -> None:
    """Hold one conversation on all wires, and through two integrations by turns."""
    first, second, third = wires
    history: list[Any] = []
    turns = ((first, second, "thinking_tools"), (second, third, "parallel_tools"))
    for caller, answerer, script in (*turns, (third, first, "tools")):
        history.append(asking(judging.QUESTION))
        cities = CITIES[:1] if script == "tools" else CITIES
        calling = chat(integrations[0], name_of(caller, script))
        call_tools(calling, history, cities, is_streamed=is_streamed)
        saying = chat(integrations[1], name_of(answerer, "thinking_tools"))
        say(saying, history, is_streamed=is_streamed)


@judge.case_of(INTEGRATIONS)
def provider_changes(integration: str, wire: str) -> None:
    for wires in judging.changes_from(wire):
        for is_streamed in (False, True):
            converse((integration, integration), wires, is_streamed=is_streamed)


# What the Responses API thought goes into a field named by its id, `rs_…`, when OpenAI's chat is
# asked next: no server knows it (`_auto_thinking_field` takes any id for a field of the chat's).
CHANGES = [
    f"{one} and {other}"
    for one, other in itertools.permutations(INTEGRATIONS, 2)
    if {one, other} != {"openai", "responses"}
]


@judge.case_of(CHANGES)
def integration_changes(integrations: str, wire: str) -> None:
    one, other = integrations.split(" and ")
    for wires, is_streamed in zip(judging.changes_from(wire), (False, True), strict=True):
        converse((one, other), wires, is_streamed=is_streamed)


@judge.case_of(INTEGRATIONS)
def errors(integration: str, wire: str) -> None:
    # To Google, a 502 is one more way of being unavailable.
    kinds = {**ERRORS, 502: UNAVAILABLE} if integration == "google" else ERRORS
    for script, usual in judging.FAILURES.items():
        status = 529 if script == "529" and integration == "anthropic" else usual
        told = {400: TOO_LONG} if script == "context_length" else kinds
        for is_streamed in (False, True):
            model = chat(integration, judging.failing(wire, script, integration, is_streamed))
            judging.check_error(told, status, partial(ask, model, is_streamed=is_streamed))
    judging.check_error(ERRORS, 404, partial(ask, chat(integration, "nobody")))
    model, refused = chat(integration, name_of(wire, "text")), INTEGRATIONS[integration][2]
    judging.check_error(ERRORS, 400, partial(ask, model, settings=refused))
    stranger = chat(integration, name_of(wire, "text"), "llmr_nobody")
    judging.check_error(ERRORS, 401, partial(ask, stranger))


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
    of_openais = OpenAIEmbeddingModel(name, provider=of_openai(judging.key()))
    vectors = Embedder(of_openais).embed_documents_sync(["one", "two"]).embeddings
    check(len(vectors), 2, "vectors")
    of_googles = GoogleEmbeddingModel(name, provider=of_google(judging.key()))
    others = Embedder(of_googles).embed_documents_sync(["one", "two"]).embeddings
    check([len(each) for each in others], [len(each) for each in vectors], "dimensions")


@judge.case_of(["anthropic", "google"])
def counts(integration: str, wire: str) -> None:
    """Tokens are counted before a request is sent, where the vendor has a call for it."""
    agent = Agent(chat(integration, name_of(wire, "text")))
    limits = UsageLimits(input_tokens_limit=1_000, count_tokens_before_request=True)
    check(agent.run_sync("Hello", usage_limits=limits).output, TEXT)
    narrow = UsageLimits(input_tokens_limit=1, count_tokens_before_request=True)
    kinds = {0: exceptions.UsageLimitExceeded}
    judging.check_error(kinds, 0, partial(agent.run_sync, "Hello", usage_limits=narrow))


judge.without(models="Pydantic AI has no call for the list of models")
judge.run()
