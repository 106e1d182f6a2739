"""What a simulated provider says next: answers, and every fault that providers have, by name."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

type Reason = Literal["stop", "length", "content_filter"]
type UsageMode = Literal["once", "twice", "missing"]

# Accents, CJK, an emoji and a ZWJ sequence: two to twenty-five bytes for one character on screen.
TEXT = "Olá, mundo 🌍! 東京 👩‍👩‍👧 is fine."
THOUGHT = "The user says hello, so 你好 back."
ARGUMENT_PIECE = 7
SLOW_SECONDS = 1.5
PAUSE_SECONDS = 0.05
RETRY_AFTER_SECONDS = 1
CHOSEN = re.compile(r"(?:^|[/+])script[:.-]([a-z0-9_]+)$")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a function of the client's."""

    name: str
    arguments: Mapping[str, Any]

    @property
    def text(self) -> str:
        return json.dumps(dict(self.arguments), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The provider's own count; `fresh` input excludes what was read from or written to a cache."""

    fresh: int = 20
    cached: int = 5
    cache_written: int = 0
    output: int = 7
    # Part of `output`.
    reasoning: int = 2

    @property
    def input(self) -> int:
        return self.fresh + self.cached + self.cache_written

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Script:
    """One answer; the defaults are a healthy one."""

    text: str = TEXT
    thought: str = ""
    # Reasoning that Anthropic hides: opaque, to be sent back as it is.
    hidden_thought: str = ""
    calls: tuple[ToolCall, ...] = ()
    # Several calls at once with all of their arguments, as servers do that resemble OpenAI.
    has_whole_calls: bool = False
    reason: Reason = "stop"
    # Said as it is, in place of the vendor's word for `reason`.
    vendor_reason: str = ""
    # Gemini only: the question itself is refused, so there is no candidate.
    is_blocked: bool = False
    tokens: Tokens = field(default_factory=Tokens)
    usage: UsageMode = "once"
    # Refuses with this status.
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "simulated failure"
    code: str = ""
    # Said instead of the vendor's own words, with either status.
    body: bytes | None = None
    # Refuses in the vendor's own words: the request is longer than the model's window.
    is_too_long: bool = False
    # Waits before the head of the answer; and after it, before the first event of a stream.
    delay_seconds: float = 0.0
    first_event_seconds: float = 0.0
    # Packets: their size in bytes (0: one event each), and the wait between two of them.
    packet_bytes: int = 0
    pause_seconds: float = 0.0
    # Never answers; never goes on after half of the stream.
    hangs: bool = False
    stalls: bool = False
    # Ends a stream (or a whole body) half-way: with a reset, or quietly.
    is_cut: bool = False
    stops_early: bool = False
    # Where such an end is, in bytes of the body.
    cut_at: int | None = None
    has_malformed_event: bool = False
    # Says the vendor's error event after so many events.
    error_after: int | None = None
    has_comments: bool = False
    has_crlf: bool = False
    # As servers do that only resemble OpenAI: unknown parameters are accepted.
    accepts_unknown: bool = False
    # Anthropic only: says what no client knows yet, in fields, blocks, deltas and events.
    has_unknowns: bool = False

    @property
    def breaks_off(self) -> bool:
        """Tell whether an answer that began does not reach its end."""
        return self.is_cut or self.stops_early or self.stalls


WEATHER = ToolCall("get_weather", {"city": "São Paulo", "unit": "°C"})
WEATHER_ABROAD = ToolCall("get_weather", {"city": "東京", "unit": "°C"})
NO_ARGUMENTS = ToolCall("get_time", {})
FORECAST = ToolCall("forecast", {"city": "São Paulo", "celsius": 21})

_STATUSES = (400, 401, 402, 403, 404, 408, 409, 413, 422, 500, 502, 503, 504, 529)
SCRIPTS: Mapping[str, Script] = {
    "text": Script(),
    "length": Script(reason="length"),
    "forecast": Script(text='{"city": "São Paulo", "celsius": 21}'),
    "forecast_call": Script(text="", calls=(FORECAST,)),
    "filtered": Script(text="", reason="content_filter"),
    "tools": Script(text="", calls=(WEATHER,)),
    "tools_without_arguments": Script(text="", calls=(NO_ARGUMENTS,)),
    "parallel_tools": Script(text="", calls=(WEATHER, WEATHER_ABROAD)),
    "text_and_tools": Script(calls=(WEATHER,)),
    "thinking": Script(thought=THOUGHT),
    "thinking_tools": Script(text="", thought=THOUGHT, calls=(WEATHER, WEATHER_ABROAD)),
    "hidden_thinking": Script(hidden_thought="b3BhcXVl"),
    "nothing_but_thought": Script(text="", reason="length"),
    "whole_calls": Script(text="", calls=(WEATHER, WEATHER_ABROAD), has_whole_calls=True),
    "calls_with_stop": Script(text="", calls=(WEATHER,), vendor_reason="stop"),
    "malformed_call": Script(text="", vendor_reason="MALFORMED_FUNCTION_CALL"),
    "unknown_reason": Script(vendor_reason="a_reason_of_tomorrow"),
    "unknowns": Script(has_unknowns=True),
    "blocked": Script(text="", reason="content_filter", is_blocked=True),
    "usage_missing": Script(usage="missing"),
    "usage_twice": Script(usage="twice"),
    "slow": Script(delay_seconds=SLOW_SECONDS),
    "slow_first_token": Script(first_event_seconds=SLOW_SECONDS),
    "paced": Script(pause_seconds=PAUSE_SECONDS),
    "split": Script(packet_bytes=1),
    "crlf": Script(has_crlf=True),
    "comments": Script(has_comments=True),
    "compatible": Script(accepts_unknown=True, has_comments=True),
    "hang": Script(hangs=True),
    "stall": Script(stalls=True),
    "cut": Script(is_cut=True),
    "stops_early": Script(stops_early=True),
    "malformed": Script(has_malformed_event=True),
    "error_event": Script(error_after=5, message="overloaded now"),
    "error_first": Script(error_after=0, message="overloaded now"),
    "html": Script(status=502, body=b"<html><h1>502 Bad Gateway</h1></html>"),
    "context_length": Script(status=400, is_too_long=True),
    "429": Script(status=429, headers={"retry-after": str(RETRY_AFTER_SECONDS)}),
    **{str(status): Script(status=status) for status in _STATUSES},
}


def chosen_name(model: str) -> str:
    """Return the script that a model's name asks for, as in `script:tools`; "" for none."""
    found = CHOSEN.search(model)
    return found[1] if found else ""


def after_tools(script: Script) -> Script:
    """Return what follows the results of tools: text, or a loop of calls would never end."""
    return replace(script, calls=(), text=script.text or TEXT) if script.calls else script


def pieces_of(text: str) -> list[str]:
    """Cut a text after each space, as tokens would."""
    return re.findall(r"[^ ]* ?", text)[:-1] if text else []


def argument_pieces(call: ToolCall) -> list[str]:
    """Cut the arguments without regard to what they mean."""
    text = call.text
    return [text[at : at + ARGUMENT_PIECE] for at in range(0, len(text), ARGUMENT_PIECE)]


def signature_of(thought: str) -> str:
    """Sign a thought: what comes back must be the same, byte by byte."""
    return base64.b64encode(hashlib.sha256(b"wire server " + thought.encode()).digest()).decode()
