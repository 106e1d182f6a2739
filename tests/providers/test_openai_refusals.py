"""What servers that resemble OpenAI refuse, and their errors, over real sockets: OO2, OO5, OO12."""

from dataclasses import replace
from typing import Any

import pytest

from apps.providers.adapters.openai.adapter import OpenAIAdapter
from apps.providers.wire_servers.habits import Habits
from apps.providers.wire_servers.scripts import SCRIPTS, TEXT, Script
from tests.providers.openai_calls import passed, put_together
from tests.providers.openai_servers import KINDS, Serve, call_to, events_of, failure

MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])


async def test_oo5__server_that_refuses_to_be_asked_for_usage__is_asked_once_more_without(
    serve: Serve,
) -> None:
    server = serve(replace(Habits(), refused=("stream_options",)))
    found = put_together(await events_of(call_to(server, "")))
    assert (found.text, found.usage.is_estimated) == (TEXT, True)
    assert found.dropped == ()
    first, second = server.received
    assert "stream_options" in first.body
    assert "stream_options" not in second.body


@pytest.mark.parametrize("shape", ["nested", "flat", "detail"])
async def test_oo2__field_that_a_model_refuses__is_taken_back_and_told(
    serve: Serve, shape: Any
) -> None:
    server = serve(replace(Habits(), refused=("temperature", "top_p"), error_shape=shape))
    fields = {"temperature": 0.1, "top_p": 0.5}
    found = await OpenAIAdapter().complete(call_to(server, "", request=fields))
    assert found.dropped == ("temperature", "top_p")
    assert len(server.received) == 3


async def test_oo2__limit_whose_name_is_refused__goes_under_the_other(serve: Serve) -> None:
    server = serve(replace(Habits(), refused=("max_tokens",)))
    await OpenAIAdapter().complete(call_to(server, "", request={"max_output_tokens": 9}))
    assert server.received[-1].body["max_completion_tokens"] == 9


async def test_field_that_the_caller_wrote_in_this_dialect__is_its_own_mistake(
    serve: Serve,
) -> None:
    server = serve(replace(Habits(), accepts_unknown=True, refused=("min_p", "seed")))
    url = server.url_of("openai")
    for body in ({"min_p": 0.1}, {"seed": 1}):
        error = await failure(passed(body, url=url))
        assert (error.kind, error.param) == ("rejected", next(iter(body)))
    assert len(server.received) == 2


async def test_field_that_a_rule_set__is_taken_back(serve: Serve) -> None:
    server = serve(replace(Habits(), refused=("seed",)))
    call = passed({}, url=server.url_of("openai"))
    request = replace(call.request, parameters={"seed": 7})
    found = await OpenAIAdapter().complete(replace(call, request=request))
    assert found.dropped == ("seed",)


async def test_server_that_refuses_everything__is_asked_three_times_at_most(serve: Serve) -> None:
    server = serve(replace(Habits(), refused=("max_tokens", "max_completion_tokens")))
    fields = {"max_output_tokens": 9, "temperature": 0.1}
    error = await failure(call_to(server, "", request=fields))
    assert (error.kind, len(server.received)) == ("rejected", 3)


async def test_value_out_of_bounds__is_never_mended(serve: Serve) -> None:
    server = serve("openai")
    error = await failure(call_to(server, "openai", request={"temperature": 3.0}))
    assert (error.kind, error.param, len(server.received)) == ("rejected", None, 1)


@MODES
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, "rejected"), (401, "credential"), (429, "rate_limited"), (503, "unavailable")],
)
async def test_oo12__error_of_any_server__is_read_whatever_its_shape(
    serve: Serve, kind: str, status: int, expected: str, is_streamed: bool
) -> None:
    server = serve(kind)
    server.plan(Script(status=status, message="told in its own way"))
    error = await failure(call_to(server, kind), is_streamed=is_streamed)
    assert (error.kind, error.http_status) == (expected, status)
    assert error.message == "told in its own way"


@MODES
async def test_oo12__page_of_a_proxy__is_never_shown(serve: Serve, is_streamed: bool) -> None:
    server = serve("compatible")
    server.plan("html")
    error = await failure(call_to(server, "compatible"), is_streamed=is_streamed)
    assert error.message == "the provider answered with status 502"


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b'{"error": {"message": "no room", "code": 503}}', "unavailable", "no room"),
        (b'{"error": {"message": "slow", "code": "rate_limit_exceeded"}}', "rate_limited", "slow"),
        (
            b'{"choices": [{"message": {"content": "half"}, "finish_reason": "error"}]}',
            "unavailable",
            "the provider broke off its answer",
        ),
    ],
)
async def test_oo12__error_with_a_successful_status__is_an_error(
    serve: Serve, body: bytes, kind: str, message: str
) -> None:
    server = serve("openrouter")
    server.plan(Script(body=body))
    error = await failure(call_to(server, "openrouter"))
    assert (error.kind, error.message) == (kind, message)


async def test_oo10__stream_that_says_it_broke_off__is_cut(serve: Serve) -> None:
    server = serve("openrouter")
    server.plan(replace(SCRIPTS["text"], vendor_reason="error"))
    assert (await failure(call_to(server, "openrouter"), is_streamed=True)).kind == "cut"
