"""What can be wrong with a prompt's messages, its variables and their values. Pure.

A fault is a stable kind and the words that go with it. Programs read it here, in English and by
field; problems.py says the same to the author of a template in the language of the page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from apps.core.errors import InvalidRequest


class FaultKind(StrEnum):
    TOO_MANY_VARIABLES = "too_many_variables"
    DECLARED_TWICE = "declared_twice"
    NO_DECLARATION = "no_declaration"
    NAME = "name"
    TYPE = "type"
    REQUIRED = "required"
    DEFAULT_OF_REQUIRED = "default_of_required"
    NUMBER_WITHOUT_DEFAULT = "number_without_default"
    UNDECLARED = "undeclared"
    MISSING = "missing"
    VALUES_TOO_LONG = "values_too_long"
    NOT_A_TEXT = "not_a_text"
    TEXT_TOO_LONG = "text_too_long"
    NOT_UNICODE = "not_unicode"
    NOT_A_NUMBER = "not_a_number"
    NUMBER_TOO_LARGE = "number_too_large"
    NOT_A_BOOLEAN = "not_a_boolean"
    NOT_A_LIST = "not_a_list"
    TOO_MANY_ITEMS = "too_many_items"
    NO_MESSAGES = "no_messages"
    TOO_MANY_MESSAGES = "too_many_messages"
    NO_MESSAGE = "no_message"
    ROLE = "role"
    NO_TEXT = "no_text"
    OUTPUT_TOO_LONG = "output_too_long"
    FILTER_NEEDS_LIST = "filter_needs_list"
    NOT_RENDERED = "not_rendered"


ENGLISH: Mapping[FaultKind, str] = {
    FaultKind.TOO_MANY_VARIABLES: "give a list of at most {most} variables",
    FaultKind.DECLARED_TWICE: "{name} is declared twice",
    FaultKind.NO_DECLARATION: "a variable is an object with name and type",
    FaultKind.NAME: (
        "a name is lower-case letters, digits and underscores, at most 40, letter first, and no "
        "word of the template language"
    ),
    FaultKind.TYPE: "a type is one of {allowed}",
    FaultKind.REQUIRED: "required is true or false",
    FaultKind.DEFAULT_OF_REQUIRED: (
        "a required variable has no default: make it optional or drop the default"
    ),
    FaultKind.NUMBER_WITHOUT_DEFAULT: "an optional number needs a default",
    FaultKind.UNDECLARED: "{field} is not declared by the prompt template; it declares: {declared}",
    FaultKind.MISSING: "{field} is required: give a {type}",
    FaultKind.VALUES_TOO_LONG: "all variables together must stay within {most} characters",
    FaultKind.NOT_A_TEXT: "{field} must be a text, not {given}",
    FaultKind.TEXT_TOO_LONG: "{field} has {count} characters; shorten it to {most}",
    FaultKind.NOT_UNICODE: (
        "{field} holds a character that is not text (NUL or half a surrogate pair)"
    ),
    FaultKind.NOT_A_NUMBER: "{field} must be a number, not {given}",
    FaultKind.NUMBER_TOO_LARGE: "{field} must be a number between -{most} and {most}",
    FaultKind.NOT_A_BOOLEAN: "{field} must be true or false, not {given}",
    FaultKind.NOT_A_LIST: "{field} must be a list, not {given}",
    FaultKind.TOO_MANY_ITEMS: "{field} has {count} items; at most {most} are allowed",
    FaultKind.NO_MESSAGES: "give at least one message",
    FaultKind.TOO_MANY_MESSAGES: "at most {most} messages",
    FaultKind.NO_MESSAGE: "a message is an object with role and text",
    FaultKind.ROLE: "a role is one of {allowed}",
    FaultKind.NO_TEXT: "write what the message says",
    FaultKind.OUTPUT_TOO_LONG: (
        "the rendered prompt passes {most} characters: shorten the variables"
    ),
    FaultKind.FILTER_NEEDS_LIST: (
        "the prompt template {label} cannot be rendered: the filter {filter} works on a list"
    ),
    FaultKind.NOT_RENDERED: "the prompt template {label} cannot be rendered: {reason}",
}
GIVEN = {
    "text": "a text",
    "boolean": "a boolean",
    "number": "a number",
    "list": "a list",
    "object": "an object",
}


class PromptFault(InvalidRequest):
    """A fault at `param`, with the words that its sentences are made of."""

    def __init__(self, kind: FaultKind, param: str, **words: Any) -> None:
        item = words.get("item")
        spoken = {
            **words,
            "field": param if item is None else f"{param} item {item}",
            "given": GIVEN.get(words.get("given", ""), ""),
            "declared": ", ".join(words.get("declared", ())) or "none",
        }
        message = ENGLISH[kind].format_map(spoken)
        super().__init__(message, param=param, details={"problem": kind.value, **words})
        self.kind = kind
        self.words = words


@dataclass(frozen=True, slots=True)
class ValueFault:
    """What is wrong with a value, before it is known whose value it is."""

    kind: FaultKind
    words: Mapping[str, Any]
