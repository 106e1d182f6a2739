"""Runs of the pipeline whose model is served by a simulated provider over its own wire."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apps.core.chat import ChatRequest
from apps.gateway.types import Run
from apps.gateway.wire.openai_chat import request as openai_chat
from apps.providers.adapters.base import Connection
from apps.providers.wire_servers.server import WireServer
from tests.gateway.runs import make_run

# The simulated provider takes any, but demands one.
SECRET = "secret-of-the-provider-1234"
ANTHROPIC_MODEL = "claude-sonnet-4-5"
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}]


def asked(*messages: Mapping[str, Any], **body: Any) -> ChatRequest:
    """Return an OpenAI chat with a tool, as its door reads it."""
    return openai_chat.parse({"model": "auto", "messages": list(messages), "tools": TOOLS, **body})


def run_on(
    server: WireServer, adapter: str, chat: ChatRequest, *, script: str = "text", **fields: Any
) -> Run:
    """Return a run whose only model is the server's, which answers as the script says."""
    run = make_run("one", **fields)
    model = f"{ANTHROPIC_MODEL}/script:{script}"
    connection = Connection(adapter, server.url_of(adapter), model, SECRET)
    run.ask = replace(run.ask, chat=chat)
    run.pinned = replace(run.pinned, connections={"one": connection})
    return run
