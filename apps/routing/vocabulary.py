"""The words for what conditions are made of: fields, operators, values, in the page's language.

The engine's own words (`explain.WORDS`) tell traces; these label forms and sentences.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.routing.engine.fields import HEADER, METADATA

type Words = Mapping[str, str | Promise]

GROUPS: Words = {
    "all": _("all of these hold"),
    "any": _("at least one of these holds"),
    "none": _("none of these holds"),
}
FIELDS: Words = {
    "tenant": _("tenant"),
    "project": _("project"),
    "api_key": _("API key"),
    "key_tag": _("tag of the API key"),
    "user": _("user"),
    "tag": _("tag"),
    "door": _("entrance"),
    "dialect": _("dialect"),
    "requested_model": _("requested model"),
    "prompt_template": _("prompt template"),
    "in_conversation": _("part of a conversation"),
    "conversation": _("conversation"),
    "needs": _("needed capability"),
    "prompt_tokens": _("prompt tokens"),
    "max_output_tokens": _("output tokens asked for"),
    "temperature": _("temperature"),
    "language": _("language of the message"),
    "message_text": _("text of the message"),
    "message_length": _("length of the message (characters)"),
    "time_of_day": _("time of day"),
    "weekday": _("weekday"),
    "date": _("date"),
    "holiday": _("holiday"),
    "budget_left_percent": _("budget left (percent)"),
    "provider_down": _("provider that is down"),
    "provider_degraded": _("provider that is slow or failing"),
    "share_of_requests": _("share of requests (percent)"),
    "share_of_conversations": _("share of conversations (percent)"),
    "share_of_users": _("share of users (percent)"),
}
OPEN_FIELDS: Words = {METADATA: _("metadata: %s"), HEADER: _("header: %s")}
OPERATORS: Words = {
    "is": _("is"),
    "is_not": _("is not"),
    "starts_with": _("starts with"),
    "ends_with": _("ends with"),
    "contains": _("contains"),
    "matches": _("matches the pattern"),
    "has": _("has one of"),
    "has_not": _("has none of"),
    "has_all": _("has all of"),
    "at_most": _("is at most"),
    "less_than": _("is less than"),
    "at_least": _("is at least"),
    "more_than": _("is more than"),
    "between": _("is between"),
    "not_between": _("is not between"),
    "from": _("is on or after"),
    "until": _("is on or before"),
    "is_in": _("is a day of the calendar"),
    "is_not_in": _("is no day of the calendar"),
    "within_first": _("is within the first"),
}
VALUES: Mapping[str, Words] = {
    "needs": {
        "streaming": _("Streaming"),
        "tools": _("Tools"),
        "vision": _("Images"),
        "audio": _("Audio"),
        "files": _("Files"),
        "json_schema": _("JSON by a schema"),
        "reasoning": _("Reasoning"),
        "embeddings": _("Embeddings"),
    },
    "weekday": {
        "mon": _("Monday"),
        "tue": _("Tuesday"),
        "wed": _("Wednesday"),
        "thu": _("Thursday"),
        "fri": _("Friday"),
        "sat": _("Saturday"),
        "sun": _("Sunday"),
    },
}


def field_word(name: str) -> str:
    """Return the label of a field, `metadata.…` and `header.…` included."""
    for prefix, word in OPEN_FIELDS.items():
        if name.startswith(prefix):
            return str(word) % name.removeprefix(prefix)
    return str(FIELDS.get(name, name))


def operator_word(name: str) -> str:
    return str(OPERATORS.get(name, name))


def value_word(field: str, value: object) -> str:
    """Return a value as people read it: "fri" of weekdays is Friday, true is yes."""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    return str(VALUES.get(field, {}).get(str(value).casefold(), value))
