"""The official `openai` client for Python."""

import base64
import json
from functools import partial
from typing import Any

import judging
import openai
from judging import AGAIN, CITIES, TEXT, check, name_of
from openai import OpenAI

CLIENT = OpenAI(base_url=f"{judging.address()}/v1", api_key=judging.key(), max_retries=0)
ERRORS = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    404: openai.NotFoundError,
    429: openai.RateLimitError,
    502: openai.InternalServerError,
    503: openai.InternalServerError,
}
TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": judging.WEATHER}},
]
FORMAT = {"name": "forecast", "schema": judging.FORECAST_SCHEMA, "strict": True}
judge = judging.Judge()


def ask(model: str, *messages: Any, is_streamed: bool = False, **fields: Any) -> Any:
    """Return the completion, put together by the client if it was streamed."""
    told = list(messages) or [{"role": "user", "content": "Hello"}]
    asked: dict[str, Any] = {"model": model, "messages": told, **fields}
    if not is_streamed:
        return CLIENT.chat.completions.create(**asked)
    with CLIENT.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
        stream.until_done()
        return stream.get_final_completion()


def check_text(completion: Any) -> None:
    choice, usage = completion.choices[0], completion.usage
    check((choice.message.content, choice.finish_reason), (TEXT, "stop"))
    counted = (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
    check(counted, (25, 7, 32), "usage")
    check(usage.prompt_tokens_details.cached_tokens, 5, "cached tokens")


@judge.case
def text(wire: str) -> None:
    check_text(ask(name_of(wire, "text")))


@judge.case
def text_streamed(wire: str) -> None:
    check_text(ask(name_of(wire, "text"), is_streamed=True))


def call_tools(model: str, history: list[Any], cities: list[Any], **options: Any) -> None:
    """Ask, and put the calls and their results behind the history."""
    choice = ask(model, *history, tools=TOOLS, **options).choices[0]
    check(choice.finish_reason, "tool_calls")
    calls = choice.message.tool_calls
    check([json.loads(call.function.arguments) for call in calls], cities, "arguments")
    check([call.function.name for call in calls], ["get_weather"] * len(cities), "names")
    check(len({call.id for call in calls}), len(cities), "ids")
    history.append(plain(choice.message))
    history += [
        {"role": "tool", "tool_call_id": call.id, "content": judging.RESULT} for call in calls
    ]


def say(model: str, history: list[Any], **options: Any) -> None:
    """Ask for a text, and put it behind the history."""
    choice = ask(model, *history, tools=TOOLS, **options).choices[0]
    check((choice.message.content, choice.finish_reason), (TEXT, "stop"))
    history.append(plain(choice.message))


def plain(message: Any) -> Any:
    """Return a message as applications send it back: with what OpenAI's reference names."""
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in message.tool_calls or ()
    ]
    told = {"role": "assistant", "content": message.content}
    return {**told, "tool_calls": calls} if calls else told


@judge.case
def tools(wire: str) -> None:
    history: list[Any] = [{"role": "user", "content": judging.QUESTION}]
    call_tools(name_of(wire, "parallel_tools"), history, CITIES)
    say(name_of(wire, "parallel_tools"), history)


@judge.case
def tools_streamed(wire: str) -> None:
    history: list[Any] = [{"role": "user", "content": judging.QUESTION}]
    call_tools(name_of(wire, "parallel_tools"), history, CITIES, is_streamed=True)
    say(name_of(wire, "parallel_tools"), history, is_streamed=True)


@judge.case
def images(wire: str) -> None:
    url = {"url": f"data:image/png;base64,{judging.PNG}"}
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": url}]
    check_text(ask(name_of(wire, "text"), {"role": "user", "content": parts}))


@judge.case
def schema(wire: str) -> None:
    asked = {"type": "json_schema", "json_schema": FORMAT}
    for is_streamed in (False, True):
        model = name_of(wire, "forecast")
        completion = ask(model, response_format=asked, is_streamed=is_streamed)
        check(json.loads(completion.choices[0].message.content), judging.FORECAST)


@judge.case
def thoughts(wire: str) -> None:
    for is_streamed in (False, True):
        model = name_of(wire, "thinking")
        completion = ask(model, reasoning_effort="high", is_streamed=is_streamed)
        message = completion.choices[0].message
        check((message.content, message.reasoning_content), (TEXT, judging.THOUGHT))


@judge.case
def provider_changes(wire: str) -> None:
    for first, second, third in judging.changes_from(wire):
        for is_streamed in (False, True):
            options = {"is_streamed": is_streamed, "reasoning_effort": "high"}
            history: list[Any] = [{"role": "user", "content": judging.QUESTION}]
            call_tools(name_of(first, "thinking_tools"), history, CITIES, **options)
            say(name_of(second, "parallel_tools"), history, **options)
            history.append({"role": "user", "content": "And tomorrow?"})
            call_tools(name_of(second, "parallel_tools"), history, CITIES, **options)
            say(name_of(third, "thinking_tools"), history, **options)
            history.append({"role": "user", "content": "And next week?"})
            call_tools(name_of(third, "tools"), history, CITIES[:1], **options)
            say(name_of(first, "tools"), history, **options)


@judge.case
def errors(wire: str) -> None:
    for script, status in judging.FAILURES.items():
        judging.check_error(ERRORS, status, partial(ask, name_of(wire, script)))
        again = name_of(wire, f"{script}/{AGAIN}")
        judging.check_error(ERRORS, status, partial(ask, again, is_streamed=True))
    judging.check_error(ERRORS, 404, partial(ask, "nobody"))
    warm = partial(ask, name_of(wire, "text"), temperature="warm")
    judging.check_error(ERRORS, 400, warm)
    stranger = CLIENT.with_options(api_key="llmr_nobody")
    judging.check_error(ERRORS, 401, stranger.models.list)


@judge.case
def cut_stream(wire: str) -> None:
    for script in judging.CUT:
        try:
            completion = ask(name_of(wire, script), is_streamed=True)
        except openai.APIError as error:
            check("broke off" in str(error), True, str(error))
        else:
            raise AssertionError(f"{script}: an answer that looks complete: {completion}")


@judge.case
def models(wire: str) -> None:
    name = name_of(wire, "text")
    check(name in [model.id for model in CLIENT.models.list()], True, "listed")
    check(CLIENT.models.retrieve(name).id, name)


@judge.case
def embeddings(wire: str) -> None:
    if wire not in judging.VECTOR_MODELS:
        return
    asked: dict[str, Any] = {"model": judging.VECTOR_MODELS[wire], "input": ["one", "two"]}
    packed = CLIENT.embeddings.create(**asked)
    plain = CLIENT.embeddings.create(**asked, encoding_format="float")
    raw = CLIENT.embeddings.with_raw_response.create(**asked, encoding_format="base64")
    check([each.index for each in packed.data], [0, 1])
    wide = len(packed.data[0].embedding)
    check(len(plain.data[0].embedding), wide, "dimensions")
    coded = json.loads(raw.http_response.content)["data"][0]["embedding"]
    check(len(base64.b64decode(coded)), 4 * wide, "bytes")


@judge.case
def responses(wire: str) -> None:
    """Text and a tool's turn through the Responses API, whole and streamed."""
    tool = {"type": "function", "name": "get_weather", "parameters": judging.WEATHER}
    for is_streamed in (False, True):
        answer = respond(name_of(wire, "text"), is_streamed=is_streamed, input="Hello")
        usage = answer.usage
        check((answer.output_text, answer.status), (TEXT, "completed"))
        check((usage.input_tokens, usage.output_tokens), (25, 7), "usage")
        options: dict[str, Any] = {"is_streamed": is_streamed, "tools": [tool]}
        model = name_of(wire, "parallel_tools")
        called = respond(model, input=judging.QUESTION, **options)
        calls = [item for item in called.output if item.type == "function_call"]
        check([json.loads(call.arguments) for call in calls], CITIES, "arguments")
        results = [
            {"type": "function_call_output", "call_id": call.call_id, "output": judging.RESULT}
            for call in calls
        ]
        last = respond(model, input=results, previous_response_id=called.id, **options)
        check(last.output_text, TEXT)


def respond(model: str, *, is_streamed: bool, **fields: Any) -> Any:
    """Return the response, put together by the client if it was streamed."""
    if not is_streamed:
        return CLIENT.responses.create(model=model, **fields)
    with CLIENT.responses.stream(model=model, **fields) as stream:
        stream.until_done()
        return stream.get_final_response()


judge.run()
