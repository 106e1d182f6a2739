"""The facts that conditions may read: one row each, with the kind that says which operators fit."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from apps.routing.engine.hashing import fraction
from apps.routing.engine.operators import OPERATORS_BY_KIND, PERCENT, Table
from apps.routing.engine.types import RequestFacts, Scalar

type Kind = Literal[
    "text", "choice", "set", "number", "time", "date", "calendar", "message", "flag", "share"
]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Fields of which there are as many as clients invent: `metadata.plan`, `header.x-team`.
METADATA = "metadata."
HEADER = "header."
LONGEST_SEEN = 60


class Field(NamedTuple):
    """A fact that a condition may read; `read` returns None when the request does not have it.

    `choices`: the only values that make sense, none when there are too many to name.
    """

    kind: Kind
    read: Callable[[RequestFacts], Any]
    choices: tuple[str, ...] = ()

    @property
    def operators(self) -> Table:
        return OPERATORS_BY_KIND[self.kind]


class Reader(NamedTuple):
    """How a clause reads its field, and what tells it in one scalar, under the name `fact`."""

    fact: str
    read: Callable[[RequestFacts], Any]
    show: Callable[[RequestFacts], Scalar]


def _minute(facts: RequestFacts) -> int | None:
    return facts.local_time.minute if facts.local_time else None


def _weekday(facts: RequestFacts) -> str | None:
    return WEEKDAYS[facts.local_time.weekday] if facts.local_time else None


def _date(facts: RequestFacts) -> str | None:
    return facts.local_time.date if facts.local_time else None


NEEDS = (
    *("streaming", "tools", "vision", "audio", "files", "json_schema", "reasoning"),
    "embeddings",
)
FIELDS: Mapping[str, Field] = {
    "tenant": Field("text", lambda facts: facts.tenant),
    "project": Field("text", lambda facts: facts.project),
    "api_key": Field("choice", lambda facts: facts.key_id),
    "key_tag": Field("set", lambda facts: facts.key_tags),
    "user": Field("text", lambda facts: facts.user or None),
    # What the request says and what its key says are one to a rule writer.
    "tag": Field("set", lambda facts: facts.tags + facts.key_tags),
    "door": Field("choice", lambda facts: facts.door),
    "dialect": Field("choice", lambda facts: facts.dialect or None),
    "requested_model": Field("text", lambda facts: facts.requested_model),
    "prompt_template": Field("text", lambda facts: facts.prompt_template),
    "in_conversation": Field("flag", lambda facts: bool(facts.conversation)),
    "conversation": Field("choice", lambda facts: facts.conversation or None),
    "needs": Field("set", lambda facts: facts.needs, NEEDS),
    "prompt_tokens": Field("number", lambda facts: facts.prompt_tokens),
    # Absent when the caller names no limit: the clause cannot be decided then.
    "max_output_tokens": Field("number", lambda facts: facts.max_output_tokens),
    "temperature": Field("number", lambda facts: facts.temperature),
    "language": Field("choice", lambda facts: facts.language or None),
    "message_text": Field("message", lambda facts: facts.patterns),
    "message_length": Field("number", lambda facts: facts.message_length),
    "time_of_day": Field("time", _minute),
    "weekday": Field("choice", _weekday, WEEKDAYS),
    "date": Field("date", _date),
    "holiday": Field("calendar", _date),
    "budget_left_percent": Field("number", lambda facts: facts.budget_left_percent),
    "provider_down": Field("set", lambda facts: facts.providers_down),
    "provider_degraded": Field("set", lambda facts: facts.providers_degraded),
    "share_of_requests": Field("share", lambda facts: facts.request_id),
    "share_of_conversations": Field("share", lambda facts: facts.conversation or None),
    "share_of_users": Field("share", lambda facts: facts.user or None),
}


def field_named(name: str) -> Field | None:
    """Return the field, those of `metadata.…` and `header.…` included; None: there is none."""
    if name.startswith(METADATA) and len(name) > len(METADATA):
        key = name.removeprefix(METADATA)
        return Field("text", lambda facts: facts.metadata.get(key))
    if name.startswith(HEADER) and len(name) > len(HEADER):
        header = name.removeprefix(HEADER).lower()
        return Field("text", lambda facts: facts.headers.get(header))
    return FIELDS.get(name)


@lru_cache(maxsize=4_096)
def reader_of(name: str, rule_id: str) -> Reader:
    """Return how the clauses of a rule read a field, and tell a trace what they saw.

    One for all clauses on the field, so that a decision tells it once; only shares are drawn anew
    for each rule.
    """
    field = field_named(name)
    if field is None:
        raise KeyError(name)
    if field.kind == "share":
        read = field.read
        return Reader(
            f"{name}:{rule_id}",
            read,
            lambda facts: round(PERCENT * fraction(rule_id, read(facts)), 2),
        )
    return Reader(name, field.read, _shower(field))


def fact_of(name: str, rule_id: str) -> str:
    """Return the name under which a trace tells what a rule's clause on the field saw."""
    return reader_of(name, rule_id).fact if field_named(name) is not None else name


def _shower(field: Field) -> Callable[[RequestFacts], Scalar]:
    read = field.read
    if field.kind == "message":
        # What people wrote is not kept in a trace.
        return lambda _facts: ""
    if field.kind == "time":
        return lambda facts: "{:02}:{:02}".format(*divmod(read(facts), 60))
    if field.kind == "set":
        return lambda facts: ", ".join(read(facts))[:LONGEST_SEEN]
    if field.kind in ("number", "flag"):
        return read
    return lambda facts: read(facts)[:LONGEST_SEEN]
