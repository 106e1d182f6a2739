"""The official `anthropic` client for Python."""

import json
from functools import partial
from typing import Any

import anthropic
import judging
from anthropic import Anthropic
from judging import AGAIN, CITIES, TEXT, check, name_of

CLIENT = Anthropic(base_url=judging.address(), api_key=judging.key(), max_retries=0)
# Majors differ: what a newer one names by itself, an older one calls by its family.
FAMILY = anthropic.InternalServerError
ERRORS = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    404: anthropic.NotFoundError,
    429: anthropic.RateLimitError,
    502: FAMILY,
    503: getattr(anthropic, "ServiceUnavailableError", FAMILY),
    529: getattr(anthropic, "OverloadedError", FAMILY),
}
# Anthropic has a status of its own for a provider that is overloaded.
FAILURES = {**judging.FAILURES, "529": 529}
TOOLS = [{"name": "get_weather", "input_schema": judging.WEATHER}]
THINKING = {"type": "enabled", "budget_tokens": 2_048}
judge = judging.Judge()


def ask(model: str, *messages: Any, is_streamed: bool = False, **fields: Any) -> Any:
    """Return the message, put together by the client if it was streamed."""
    told = list(messages) or [{"role": "user", "content": "Hello"}]
    asked: dict[str, Any] = {"model": model, "max_tokens": 4_096, "messages": told, **fields}
    if not is_streamed:
        return CLIENT.messages.create(**asked)
    with CLIENT.messages.stream(**asked) as stream:
        return stream.get_final_message()


def said(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def check_text(message: Any) -> None:
    usage = message.usage
    check((said(message), message.stop_reason), (TEXT, "end_turn"))
    check((usage.input_tokens, usage.cache_read_input_tokens), (20, 5), "input")
    check(usage.output_tokens, 7, "output")


@judge.case
def text(wire: str) -> None:
    check_text(ask(name_of(wire, "text")))


@judge.case
def text_streamed(wire: str) -> None:
    check_text(ask(name_of(wire, "text"), is_streamed=True))


def call_tools(model: str, history: list[Any], cities: list[Any], **options: Any) -> None:
    """Ask, and put the calls and their results behind the history."""
    message = ask(model, *history, tools=TOOLS, **options)
    check(message.stop_reason, "tool_use")
    calls = [block for block in message.content if block.type == "tool_use"]
    check([call.input for call in calls], cities, "arguments")
    check([call.name for call in calls], ["get_weather"] * len(cities), "names")
    check(len({call.id for call in calls}), len(cities), "ids")
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": judging.RESULT} for call in calls
    ]
    history.append({"role": "assistant", "content": message.content})
    history.append({"role": "user", "content": results})


def say(model: str, history: list[Any], **options: Any) -> None:
    """Ask for a text, and put it behind the history."""
    message = ask(model, *history, tools=TOOLS, **options)
    check((said(message), message.stop_reason), (TEXT, "end_turn"))
    history.append({"role": "assistant", "content": message.content})


def loop(wire: str, **options: Any) -> None:
    history: list[Any] = [{"role": "user", "content": judging.QUESTION}]
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
    source = {"type": "base64", "media_type": "image/png", "data": judging.PNG}
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image", "source": source}]
    check_text(ask(name_of(wire, "text"), {"role": "user", "content": parts}))


@judge.case
def schema(wire: str) -> None:
    asked = {"format": {"type": "json_schema", "schema": judging.FORECAST_SCHEMA}}
    for is_streamed in (False, True):
        # Older majors have no name for it.
        options = {"is_streamed": is_streamed, "extra_body": {"output_config": asked}}
        message = ask(name_of(wire, "forecast"), **options)
        check(json.loads(said(message)), judging.FORECAST)


@judge.case
def thoughts(wire: str) -> None:
    for is_streamed in (False, True):
        message = ask(name_of(wire, "thinking"), thinking=THINKING, is_streamed=is_streamed)
        check(said(message), TEXT)
        check(message.content[0].thinking, judging.THOUGHT, "thought")


@judge.case
def provider_changes(wire: str) -> None:
    for first, second, third in judging.changes_from(wire):
        for is_streamed in (False, True):
            options = {"is_streamed": is_streamed, "thinking": THINKING}
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
    for script, status in FAILURES.items():
        judging.check_error(ERRORS, status, partial(ask, name_of(wire, script)))
        again = name_of(wire, f"{script}/{AGAIN}")
        judging.check_error(ERRORS, status, partial(ask, again, is_streamed=True))
    judging.check_error(ERRORS, 404, partial(ask, "nobody"))
    judging.check_error(ERRORS, 400, partial(ask, name_of(wire, "text"), max_tokens=0))
    stranger = CLIENT.with_options(api_key="llmr_nobody")
    judging.check_error(ERRORS, 401, stranger.models.list)


@judge.case
def cut_stream(wire: str) -> None:
    for script in judging.CUT:
        try:
            message = ask(name_of(wire, script), is_streamed=True)
        except anthropic.APIStatusError as error:
            check("broke off" in str(error), True, str(error))
        else:
            raise AssertionError(f"{script}: an answer that looks complete: {message}")


@judge.case
def models(wire: str) -> None:
    name = name_of(wire, "text")
    check(name in [model.id for model in CLIENT.models.list(limit=20)], True, "listed")
    check(CLIENT.models.retrieve(name).id, name)


@judge.case
def counts(wire: str) -> None:
    """Tokens of a request are counted before it is sent, more for more."""
    asked: dict[str, Any] = {
        "model": name_of(wire, "text"),
        "messages": [{"role": "user", "content": "Hello"}],
    }
    fewer = CLIENT.messages.count_tokens(**asked).input_tokens
    more = CLIENT.messages.count_tokens(**asked, system="Be kind.", tools=TOOLS).input_tokens
    check(0 < fewer < more, True, f"{fewer} and {more} tokens")


judge.without(embeddings="Anthropic has no embeddings")
judge.run()
