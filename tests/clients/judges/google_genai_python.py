"""The official `google-genai` client for Python."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import judging
from google import genai
from google.genai import types
from google.genai.errors import APIError, ClientError, ServerError
from judging import AGAIN, CITIES, TEXT, check, name_of

OPTIONS = types.HttpOptions(base_url=judging.address())
CLIENT = genai.Client(api_key=judging.key(), http_options=OPTIONS)
TOOLS = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(name="get_weather", parameters_json_schema=judging.WEATHER)
        ]
    )
]
THINKING = types.ThinkingConfig(include_thoughts=True, thinking_budget=2_048)
judge = judging.Judge()


def ask(model: str, *contents: Any, is_streamed: bool = False, **config: Any) -> Any:
    """Return the answer as one, with the parts of all chunks if it was streamed."""
    asked: dict[str, Any] = {"model": model, "contents": list(contents) or "Hello"}
    if config:
        asked["config"] = types.GenerateContentConfig(**config)
    if not is_streamed:
        return CLIENT.models.generate_content(**asked)
    chunks = list(CLIENT.models.generate_content_stream(**asked))
    last = chunks[-1]
    last.candidates[0].content = types.Content(
        role="model",
        parts=[
            part
            for chunk in chunks
            for candidate in chunk.candidates or ()
            for part in (candidate.content.parts if candidate.content else None) or ()
        ],
    )
    return last


def said(answer: Any) -> str:
    parts = answer.candidates[0].content.parts
    return "".join(part.text for part in parts if part.text and not part.thought)


def check_text(answer: Any) -> None:
    usage = answer.usage_metadata
    check((said(answer), answer.candidates[0].finish_reason), (TEXT, types.FinishReason.STOP))
    counted = (usage.prompt_token_count, usage.cached_content_token_count)
    check(counted, (25, 5), "input")
    output = usage.candidates_token_count + (usage.thoughts_token_count or 0)
    check((output, usage.total_token_count), (7, 32), "output")


@judge.case
def text(wire: str) -> None:
    check_text(ask(name_of(wire, "text")))


@judge.case
def text_streamed(wire: str) -> None:
    check_text(ask(name_of(wire, "text"), is_streamed=True))


def asking(words: str) -> types.Content:
    return types.Content(role="user", parts=[types.Part(text=words)])


def call_tools(model: str, history: list[Any], cities: list[Any], **options: Any) -> None:
    """Ask, and put the calls and their results behind the history."""
    answer = ask(model, *history, tools=TOOLS, **options)
    content = answer.candidates[0].content
    calls = [part.function_call for part in content.parts if part.function_call]
    check([call.args for call in calls], cities, "arguments")
    check([call.name for call in calls], ["get_weather"] * len(cities), "names")
    results = [
        types.Part(
            function_response=types.FunctionResponse(
                id=call.id, name=call.name, response={"result": judging.RESULT}
            )
        )
        for call in calls
    ]
    history += [content, types.Content(role="user", parts=results)]


def say(model: str, history: list[Any], **options: Any) -> None:
    """Ask for a text, and put it behind the history."""
    answer = ask(model, *history, tools=TOOLS, **options)
    check((said(answer), answer.candidates[0].finish_reason), (TEXT, types.FinishReason.STOP))
    history.append(answer.candidates[0].content)


def loop(wire: str, **options: Any) -> None:
    history: list[Any] = [asking(judging.QUESTION)]
    call_tools(name_of(wire, "parallel_tools"), history, CITIES, **options)
    say(name_of(wire, "parallel_tools"), history, **options)


@judge.case
def tools(wire: str) -> None:
    loop(wire)


@judge.case
def tools_streamed(wire: str) -> None:
    loop(wire, is_streamed=True)


@judge.case
def images(wire: str) -> None:
    data = {"mime_type": "image/png", "data": judging.PNG}
    picture = types.Part(inline_data=types.Blob.model_validate(data))
    parts = [types.Part(text="What is this?"), picture]
    check_text(ask(name_of(wire, "text"), types.Content(role="user", parts=parts)))


@judge.case
def schema(wire: str) -> None:
    asked: dict[str, Any] = {
        "response_mime_type": "application/json",
        "response_json_schema": judging.FORECAST_SCHEMA,
    }
    for is_streamed in (False, True):
        answer = ask(name_of(wire, "forecast"), is_streamed=is_streamed, **asked)
        check(json.loads(said(answer)), judging.FORECAST)


@judge.case
def thoughts(wire: str) -> None:
    for is_streamed in (False, True):
        model = name_of(wire, "thinking")
        answer = ask(model, thinking_config=THINKING, is_streamed=is_streamed)
        parts = answer.candidates[0].content.parts
        check("".join(part.text for part in parts if part.thought), judging.THOUGHT, "thought")
        check(said(answer), TEXT)


@judge.case
def provider_changes(wire: str) -> None:
    for first, second, third in judging.changes_from(wire):
        for is_streamed in (False, True):
            options = {"is_streamed": is_streamed, "thinking_config": THINKING}
            history: list[Any] = [asking(judging.QUESTION)]
            call_tools(name_of(first, "thinking_tools"), history, CITIES, **options)
            say(name_of(second, "parallel_tools"), history, **options)
            history.append(asking("And tomorrow?"))
            call_tools(name_of(second, "parallel_tools"), history, CITIES, **options)
            say(name_of(third, "thinking_tools"), history, **options)
            history.append(asking("And next week?"))
            call_tools(name_of(third, "tools"), history, CITIES[:1], **options)
            say(name_of(first, "tools"), history, **options)


def check_error(status: int, ask_it: Callable[[], object]) -> None:
    kinds = {status: ServerError if status >= 500 else ClientError}
    judging.check_error(kinds, status, ask_it)


@judge.case
def errors(wire: str) -> None:
    for script, status in judging.FAILURES.items():
        check_error(status, partial(ask, name_of(wire, script)))
        check_error(status, partial(ask, name_of(wire, f"{script}/{AGAIN}"), is_streamed=True))
    check_error(404, partial(ask, "nobody"))
    check_error(400, partial(ask, name_of(wire, "text"), max_output_tokens=-1))
    stranger = genai.Client(api_key="llmr_nobody", http_options=OPTIONS)
    check_error(401, stranger.models.list)


@judge.case
def cut_stream(wire: str) -> None:
    for script in judging.CUT:
        try:
            answer = ask(name_of(wire, script), is_streamed=True)
        except APIError as error:
            check("broke off" in str(error), True, str(error))
        else:
            raise AssertionError(f"{script}: an answer that looks complete: {answer}")


@judge.case
def models(wire: str) -> None:
    name = f"models/{name_of(wire, 'text')}"
    listed = CLIENT.models.list(config={"page_size": 20})
    check(name in [model.name for model in listed], True, "listed")
    check(CLIENT.models.get(model=name).name, name)


@judge.case
def embeddings(wire: str) -> None:
    if wire not in judging.VECTOR_MODELS:
        return
    model = judging.VECTOR_MODELS[wire]
    answer = CLIENT.models.embed_content(model=model, contents=["one", "two"])
    vectors = [each.values for each in answer.embeddings]
    check(len(vectors), 2, "vectors")
    check(len(vectors[0]), len(vectors[1]), "dimensions")
    check(vectors[0] != vectors[1], True, "each its own")


@judge.case
def counts(wire: str) -> None:
    """Tokens of a request are counted before it is sent."""
    answer = CLIENT.models.count_tokens(model=name_of(wire, "text"), contents="Hello")
    check(answer.total_tokens > 0, True, "tokens")


judge.run()
