"""How a client library judges the router: the same cases for all, on providers of three wires.

A judge runs in its library's own environment, so this file needs nothing but Python itself.
`judging.mjs` is the same for Node. What a judge saw goes to standard output, one JSON object a
line: `{"case": ..., "wire": ..., "failure": null or why}`, or `"without"` and the reason where the
library has no way to try a case.
"""

import itertools
import json
import os
import traceback
from collections.abc import Callable, Iterable, Iterator

type Case = Callable[[str], None]
type CaseOf = Callable[[str, str], None]

# The wires by the name of their adapter, and a model of each whose name says what it can do.
MODELS = {"openai": "gpt-5", "anthropic": "claude-sonnet-4-5", "google": "gemini-2.5-flash"}
VECTOR_MODELS = {"openai": "text-embedding-3-small", "google": "gemini-embedding-001"}
WIRES = tuple(MODELS)
# What every judge is asked, or says why not; it may have cases of its own besides.
CASES = (
    *("text", "text_streamed", "tools", "tools_streamed", "images", "schema", "thoughts"),
    *("provider_changes", "errors", "cut_stream", "models", "embeddings"),
)

# What the providers' scripts say, see apps/providers/wire_servers/scripts.py.
TEXT = "Olá, mundo 🌍! 東京 👩‍👩‍👧 is fine."
THOUGHT = "The user says hello, so 你好 back."
CITIES = [{"city": "São Paulo", "unit": "°C"}, {"city": "東京", "unit": "°C"}]
FORECAST = {"city": "São Paulo", "celsius": 21}
INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS = 25, 5, 7
SAID = (
    *("text", "tools", "tools_without_arguments", "parallel_tools", "thinking", "thinking_tools"),
    *("forecast", "forecast_call"),
)
CUT = ("cut", "stops_early", "error_event")
# What a provider answers with, and what the caller is told: a fault between the router and its
# provider is not the caller's.
FAILURES = {
    "400": 400,
    "context_length": 400,
    "401": 502,
    "403": 502,
    "404": 502,
    "429": 429,
    "500": 502,
    "503": 502,
    "529": 503,
}
SCRIPTS = (*SAID, *CUT, *FAILURES)
# Models of their own for streams, and for each further dialect of a client that speaks several:
# what has failed rests.
AGAIN = "again"
DIALECTS = ("responses", "anthropic", "gemini", "compatible")

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5E"
    "rkJggg=="
)
QUESTION = "Is it sunny in São Paulo and 東京?"
RESULT = "Sunny, 21 °C."
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
    "required": ["city"],
}
FORECAST_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "celsius": {"type": "integer"}},
    "required": ["city", "celsius"],
    "additionalProperties": False,
}


def address() -> str:
    """Return the router's base address, without a path."""
    return os.environ["ROUTER_URL"]


def key() -> str:
    """Return the API key of the tenant that has the models."""
    return os.environ["ROUTER_KEY"]


def name_of(wire: str, script: str) -> str:
    """Return the model of a wire that always says a script."""
    return f"{MODELS[wire]}/{script}"


def failing(wire: str, script: str, integration: str, is_streamed: bool) -> str:
    """Return the model that fails so, and that no other integration of a framework has asked."""
    dialect = {"openai": "", "google": "gemini"}.get(integration, integration)
    return name_of(wire, "/".join(filter(None, (script, dialect, AGAIN if is_streamed else ""))))


def changes_from(first: str) -> Iterator[tuple[str, ...]]:
    """Yield the orders of all wires that begin with one."""
    for others in itertools.permutations(wire for wire in WIRES if wire != first):
        yield (first, *others)


def check(seen: object, expected: object, what: str = "answer") -> None:
    """Raise AssertionError unless both are equal."""
    if seen != expected:
        raise AssertionError(f"{what}: {seen!r} instead of {expected!r}")


def check_error(kinds: dict[int, type[Exception]], status: int, ask: Callable[[], object]) -> None:
    """Raise AssertionError unless asking raises the class that this status has in the library."""
    told: Exception | None = None
    try:
        answer = ask()
    except tuple(kinds.values()) as error:
        told = error
    if told is None:
        raise AssertionError(f"an answer instead of {status}: {answer!r}")
    check(type(told), kinds[status], f"class of {told!r}")
    seen = getattr(told, "status_code", getattr(told, "code", status))
    check(seen, status, f"status of {told!r}")


def check_broken(script: str, ask: Callable[[], object]) -> None:
    """Raise AssertionError unless asking raises an error that says that the stream broke off."""
    try:
        answer = ask()
    except Exception as error:
        told = str(error)
    else:
        raise AssertionError(f"{script}: an answer that looks complete: {answer!r}")
    check("broke off" in told, True, f"{script}: {told}")


class Judge:
    """The cases that a library is tried with; `run` tries them on every wire."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}
        self._without: dict[str, str] = {}

    def case(self, function: Case) -> Case:
        """Decorate a case: its function's name, called with a wire, raises where it fails."""
        self._cases[function.__name__] = function
        return function

    def case_of(self, integrations: Iterable[str]) -> Callable[[CaseOf], CaseOf]:
        """Decorate a case of a framework, called with an integration and a wire; all are tried."""
        names = tuple(integrations)

        def register(function: CaseOf) -> CaseOf:
            self._cases[function.__name__] = lambda wire: _try_each(function, names, wire)
            return function

        return register

    def without(self, **reasons: str) -> None:
        """Say which cases the library has no way to try, and why."""
        self._without |= reasons

    def run(self) -> None:
        """Try all cases; raises KeyError for one that is neither there nor left out."""
        for name in dict.fromkeys((*CASES, *self._cases)):
            if name in self._without:
                print(json.dumps({"case": name, "without": self._without[name]}), flush=True)
                continue
            for wire in WIRES:
                said = {"case": name, "wire": wire, "failure": _failure(self._cases[name], wire)}
                print(json.dumps(said), flush=True)


def _try_each(case: CaseOf, integrations: Iterable[str], wire: str) -> None:
    failures: list[Exception] = []
    for integration in integrations:
        try:
            case(integration, wire)
        except Exception as error:
            error.add_note(f"through {integration}")
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"{len(failures)} integrations", failures)


def _failure(case: Case, wire: str) -> str | None:
    try:
        case(wire)
    except Exception:
        return traceback.format_exc(limit=-4)
    return None
