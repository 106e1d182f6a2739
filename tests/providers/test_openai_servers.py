"""Servers that resemble OpenAI, each in its own way, over real sockets: OO2 to OO12.

What every server is told: a conversation that another provider began, with thoughts, tools,
images in results and long ids. What it answers is the same neutral answer everywhere.
"""

import pytest

from apps.core.chat import (
    ChatResponse,
    Image,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
)
from apps.providers.adapters.openai.adapter import OpenAIAdapter
from apps.providers.wire_servers.habits import HABITS
from apps.providers.wire_servers.scripts import (
    TEXT,
    THOUGHT,
    WEATHER,
    WEATHER_ABROAD,
    Tokens,
)
from tests.providers.openai_calls import (
    CLOCK,
    HELLO,
    SECRET,
    calling,
    passed,
    result,
    said,
    turn,
)
from tests.providers.openai_servers import KINDS, Serve, answer, call_to, events_of, url_of

MODES = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
FOREIGN = Thinking("Look it up.", "sig-1", origin="anthropic")
PNG = Image(data="iVBORw0KGgo=", media_type="image/png")
LONG_ID = "toolu_" + "signed-by-another-provider-" * 3
PAST = (
    turn("system", "Be brief."),
    HELLO,
    calling(LONG_ID, "b", before=(FOREIGN, Text("Let me see."))),
    turn("user", result("b", Text("no such city"), is_error=True), result(LONG_ID, PNG), "Well?"),
)
TOOLS = (Tool("weather"), CLOCK)


def calls_in(found: ChatResponse) -> list[tuple[str, str]]:
    calls = [part for part in found.parts if isinstance(part, ToolCall)]
    assert len({call.id for call in calls}) == len(calls)
    assert all(call.id for call in calls)
    return [(call.name, call.arguments.replace(" ", "")) for call in calls]


TWO_CALLS = [(call.name, call.text.replace(" ", "")) for call in (WEATHER, WEATHER_ABROAD)]


@MODES
@pytest.mark.parametrize("kind", KINDS)
async def test_any_server__conversation_of_another_provider__is_accepted(
    serve: Serve, kind: str, is_streamed: bool
) -> None:
    server = serve(kind)
    call = call_to(
        server,
        kind,
        *PAST,
        tools=TOOLS,
        tool_choice=ToolChoice("auto", ("weather",)),
        has_parallel_calls=True,
        seed=7,
        top_k=3,
        top_logprobs=2,
        reasoning=Reasoning("high"),
        request={"max_output_tokens": 50, "temperature": 0.1, "stop": tuple("abcde"), "user": "u"},
    )
    found = await answer(call, is_streamed=is_streamed)
    assert (found.text, found.finish_reason) == (TEXT, "stop")
    assert [received.refusal for received in server.received] == [""]
    assert "stop" in found.dropped


@MODES
@pytest.mark.parametrize("kind", KINDS)
async def test_any_server__same_dialect_with_another_ones_past__is_accepted(
    serve: Serve, kind: str, is_streamed: bool
) -> None:
    server = serve(kind)
    function = {"name": "weather", "arguments": "{}"}
    block = {"type": "thinking", "thinking": "Hm.", "signature": "s", "origin": "anthropic"}
    thoughts = {"reasoning_content": "Hm.", "thinking_blocks": [block]}
    calls = [{"id": LONG_ID, "type": "function", "function": function}]
    marked = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}
    messages = [
        said("developer", "Be brief."),
        said("user", [marked]),
        said("assistant", None, tool_calls=calls, refusal=None, **thoughts),
        said("tool", "sunny", tool_call_id=LONG_ID, is_error=False),
    ]
    body = {"messages": messages, "max_completion_tokens": 50}
    found = await answer(passed(body, kind=kind, url=url_of(server, kind)), is_streamed=is_streamed)
    assert found.text == TEXT
    assert [received.refusal for received in server.received] == [""]


@MODES
@pytest.mark.parametrize("kind", KINDS)
async def test_any_server__thinks_and_calls__is_the_same_answer(
    serve: Serve, kind: str, is_streamed: bool
) -> None:
    server = serve(kind)
    server.plan("thinking_tools")
    found = await answer(call_to(server, kind, tools=TOOLS), is_streamed=is_streamed)
    assert found.finish_reason == "tool_calls"
    assert found.parts[0] == Thinking(THOUGHT, origin="openai")
    assert found.text == ""
    assert calls_in(found) == TWO_CALLS


@MODES
@pytest.mark.parametrize("kind", KINDS)
async def test_oo7__thought__is_apart_from_the_text_wherever_it_stands(
    serve: Serve, kind: str, is_streamed: bool
) -> None:
    server = serve(kind)
    server.plan("thinking")
    found = await answer(call_to(server, kind), is_streamed=is_streamed)
    assert found.parts == (Thinking(THOUGHT, origin="openai"), Text(TEXT))
    assert found.text == TEXT


@MODES
@pytest.mark.parametrize("kind", KINDS)
async def test_oo6__usage__is_the_servers_own_wherever_it_stands(
    serve: Serve, kind: str, is_streamed: bool
) -> None:
    server = serve(kind)
    usage = (await answer(call_to(server, kind), is_streamed=is_streamed)).usage
    tokens = Tokens()
    assert (usage.input_tokens, usage.output_tokens) == (tokens.input, tokens.output)
    assert usage.cached_input_tokens == tokens.cached


@pytest.mark.parametrize("kind", KINDS)
async def test_oo7__raw_chunks_of_the_same_dialect__keep_their_thoughts_as_they_came(
    serve: Serve, kind: str
) -> None:
    server = serve(kind)
    server.plan("thinking")
    events = await events_of(passed({}, kind=kind, url=url_of(server, kind)))
    raw = "".join(str(event.raw) for event in events)
    assert "so 你好 " not in "".join(event.text for event in events)
    field = "'type': 'thinking'" if kind == "mistral" else HABITS[kind].thought_field
    assert (field or "think>") in raw


@pytest.mark.parametrize("kind", ["ollama", "llamacpp"])
async def test_oo9__odd_pieces_of_calls__are_put_right_in_raw_chunks_too(
    serve: Serve, kind: str
) -> None:
    server = serve(kind)
    server.plan("parallel_tools")
    events = await events_of(passed({}, kind=kind, url=url_of(server, kind)))
    pieces = [
        piece
        for event in events
        for choice in (event.raw or {}).get("choices", ())
        for piece in choice["delta"].get("tool_calls") or ()
    ]
    assert {piece["index"] for piece in pieces} == {0, 1}
    assert all(isinstance(piece["function"]["arguments"], str) for piece in pieces)


async def test_oo9__arguments_as_an_object__are_text_in_the_raw_answer_too(serve: Serve) -> None:
    server = serve("ollama")
    server.plan("tools")
    found = await OpenAIAdapter().complete(passed({}, kind="ollama", url=server.url_of("openai")))
    (call,) = found.raw["choices"][0]["message"]["tool_calls"]
    assert isinstance(call["function"]["arguments"], str)


async def test_oo4__ids_for_mistral__are_the_same_nine_letters_in_call_and_result(
    serve: Serve,
) -> None:
    server = serve("mistral")
    await OpenAIAdapter().complete(call_to(server, "mistral", *PAST))
    messages = server.received[0].body["messages"]
    called = [call["id"] for call in messages[2]["tool_calls"]]
    assert [message["tool_call_id"] for message in messages[3:5]] == called
    assert [len(each) for each in called] == [9, 9]
    assert len(set(called)) == 2


async def test_oo4__ids_of_mistrals_own__are_kept(serve: Serve) -> None:
    server = serve("mistral")
    turns = (HELLO, calling("AbCdEf123"), turn("user", result("AbCdEf123")))
    await OpenAIAdapter().complete(call_to(server, "mistral", *turns))
    assert server.received[0].body["messages"][2]["tool_call_id"] == "AbCdEf123"


async def test_oo4__fields_that_mistral_calls_otherwise__are_renamed(serve: Serve) -> None:
    server = serve("mistral")
    url = server.url_of("openai")
    await OpenAIAdapter().complete(call_to(server, "mistral", seed=7))
    await OpenAIAdapter().complete(passed({"seed": 8}, kind="mistral", url=url))
    assert [received.body["random_seed"] for received in server.received] == [7, 8]


async def test_begun_answer__is_marked_for_mistral_alone(serve: Serve) -> None:
    turns = (HELLO, turn("assistant", "Once upon"))
    for kind, is_marked in (("mistral", True), ("vllm", False)):
        server = serve(kind)
        await OpenAIAdapter().complete(call_to(server, kind, *turns))
        assert server.received[0].body["messages"][-1].get("prefix", False) is is_marked


async def test_oo7__deepseek__gets_the_thoughts_before_calls_again(serve: Serve) -> None:
    server = serve("deepseek")
    await OpenAIAdapter().complete(call_to(server, "deepseek", *PAST))
    assert server.received[0].body["messages"][2]["reasoning_content"] == FOREIGN.text


@MODES
async def test_oo8__azure__is_called_at_the_deployment_with_its_own_key_header(
    serve: Serve, is_streamed: bool
) -> None:
    server = serve("azure")
    found = await answer(call_to(server, "azure", model="our-gpt"), is_streamed=is_streamed)
    (request,) = server.received
    assert request.path == "/openai/deployments/our-gpt/chat/completions"
    assert request.request.query == {"api-version": "2024-10-21"}
    assert request.headers["api-key"] == SECRET
    assert "authorization" not in request.headers
    assert found.text == TEXT
