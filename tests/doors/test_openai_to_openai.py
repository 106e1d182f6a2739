"""The official `openai` SDK against a provider of its own wire: what passes, and what is mended."""

from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion

from apps.providers.wire_servers.scripts import TEXT, THOUGHT, WEATHER, WEATHER_ABROAD
from tests.factories.offers import SECRET
from tests.factories.routed_site import RoutedSite

pytestmark = pytest.mark.keeps_redis

MODEL = "gpt-4.1-mini"
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


def put_together(client: OpenAI, **fields: Any) -> ChatCompletion:
    """Return what the SDK makes of a streamed answer."""
    with client.chat.completions.stream(model=MODEL, messages=HELLO, **fields) as stream:
        stream.until_done()
        return stream.get_final_completion()


@pytest.mark.parametrize("script", ["parallel_tools", "whole_calls", "thinking_tools"])
def test_oo1__streamed_calls__reach_the_client_once_and_in_full(
    routed: RoutedSite, routed_client: OpenAI, script: str
) -> None:
    routed.provider.plan(script)
    (choice,) = put_together(routed_client).choices
    calls = [call.function for call in choice.message.tool_calls or () if call.type == "function"]
    assert [call.arguments for call in calls] == [WEATHER.text, WEATHER_ABROAD.text]
    assert choice.finish_reason == "tool_calls"


def test_oo7__thought__reaches_the_client_where_the_provider_put_it(
    routed: RoutedSite, routed_client: OpenAI
) -> None:
    routed.provider.plan("thinking")
    (choice,) = put_together(routed_client).choices
    assert (choice.message.content, choice.message.model_dump()["reasoning_content"]) == (
        TEXT,
        THOUGHT,
    )


def test_oo10__stop_after_calls__is_tool_calls_to_the_client(
    routed: RoutedSite, routed_client: OpenAI
) -> None:
    routed.provider.plan("calls_with_stop", "calls_with_stop")
    whole = routed_client.chat.completions.create(model=MODEL, messages=HELLO)
    assert whole.choices[0].finish_reason == "tool_calls"
    assert put_together(routed_client).choices[0].finish_reason == "tool_calls"


def test_oo12__refusal_of_the_provider__names_the_field(
    routed: RoutedSite, routed_client: OpenAI
) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        routed_client.chat.completions.create(
            model=routed.spare(MODEL), messages=HELLO, extra_body={"of_nobody": 1}
        )
    assert told.value.param == "of_nobody"
    assert SECRET not in str(told.value)
