"""Typed variables of a prompt template: declarations, and values checked against them. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from apps.core.errors import InvalidRequest

type VariableType = Literal["text", "number", "boolean", "list"]
type Value = str | int | float | bool | list[str | int | float | bool]

TYPES: tuple[str, ...] = get_args(VariableType.__value__)
MAX_VARIABLES = 50
MAX_TEXT_CHARS = 100_000
MAX_TOTAL_CHARS = 131_072
MAX_LIST_ITEMS = 200
LARGEST_NUMBER = 10**15
EMPTY: Mapping[str, Value] = {"text": "", "boolean": False, "list": []}
# Words that a template reads as its own.
RESERVED = frozenset(
    {"and", "else", "false", "for", "if", "in", "is", "loop", "none", "not", "or", "true"}
)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Variable:
    """What a template expects under a name."""

    name: str
    type: str
    required: bool
    default: Value | None = None


def parse_variables(records: Any) -> tuple[Variable, ...]:
    """Read declarations as they are stored; raises InvalidRequest naming the entry and the fix."""
    if not isinstance(records, list) or len(records) > MAX_VARIABLES:
        raise InvalidRequest(f"give a list of at most {MAX_VARIABLES} variables", param="variables")
    variables = tuple(_parse(record, index) for index, record in enumerate(records))
    names = [variable.name for variable in variables]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InvalidRequest(f"{name} is declared twice", param=f"variables.{index}.name")
    return variables


def bind(
    variables: Sequence[Variable], values: Mapping[str, Any], *, ignore_unknown: bool = False
) -> dict[str, Value]:
    """Return a value for every declared variable: the caller's, checked, or the default.

    A rule's template may meet a request whose variables were meant for another template, hence
    `ignore_unknown`.
    """
    known = {variable.name for variable in variables}
    for name in values:
        if name not in known and not ignore_unknown:
            listed = ", ".join(sorted(known)) or "none"
            raise _wrong(
                str(name), f"is not declared by the prompt template; it declares: {listed}"
            )
    bound = {variable.name: _bind_one(variable, values) for variable in variables}
    if sum(_size(value) for value in bound.values()) > MAX_TOTAL_CHARS:
        message = f"all variables together must stay within {MAX_TOTAL_CHARS} characters"
        raise InvalidRequest(message, param="variables")
    return bound


def _parse(record: Any, index: int) -> Variable:
    at = f"variables.{index}"
    if not isinstance(record, dict):
        raise InvalidRequest("a variable is an object with name and type", param=at)
    name, kind = record.get("name"), record.get("type", "text")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in RESERVED:
        message = "a name is lower-case letters, digits and underscores, at most 40, letter first"
        raise InvalidRequest(message, param=f"{at}.name")
    if kind not in TYPES:
        raise InvalidRequest(f"a type is one of {', '.join(TYPES)}", param=f"{at}.type")
    required = record.get("required", True)
    if not isinstance(required, bool):
        raise InvalidRequest("required is true or false", param=f"{at}.required")
    default = record.get("default")
    variable = Variable(name, kind, required, default)
    if required and default is not None:
        message = "a required variable has no default: make it optional or drop the default"
        raise InvalidRequest(message, param=f"{at}.default")
    if default is not None:
        _check(variable, default, f"{at}.default")
    elif not required and kind not in EMPTY:
        raise InvalidRequest("an optional number needs a default", param=f"{at}.default")
    return variable


def _bind_one(variable: Variable, values: Mapping[str, Any]) -> Value:
    value = values.get(variable.name)
    if value is None:
        if variable.required:
            raise _wrong(variable.name, f"is required: give a {variable.type}")
        return _copy(variable.default if variable.default is not None else EMPTY[variable.type])
    return _check(variable, value, f"variables.{variable.name}")


def _check(variable: Variable, value: Any, param: str) -> Value:
    fault = _CHECKS[variable.type](value)
    if fault:
        raise InvalidRequest(f"{param} {fault}", param=param)
    return _copy(value)


def _copy(value: Value) -> Value:
    """What a template sees is never an object of the caller's, nor of the next request."""
    return list(value) if isinstance(value, list) else value


def _text_fault(value: Any) -> str:
    if not isinstance(value, str):
        return f"must be a text, not {_kind_of(value)}"
    if len(value) > MAX_TEXT_CHARS:
        return f"has {len(value)} characters; shorten it to {MAX_TEXT_CHARS}"
    if "\0" in value or not _is_unicode(value):
        return "holds a character that is not text (NUL or half a surrogate pair)"
    return ""


def _number_fault(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"must be a number, not {_kind_of(value)}"
    # NaN fails the comparison too, and a huge integer is never made a float.
    if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        return f"must be a number between -{LARGEST_NUMBER} and {LARGEST_NUMBER}"
    return ""


def _boolean_fault(value: Any) -> str:
    return "" if isinstance(value, bool) else f"must be true or false, not {_kind_of(value)}"


def _list_fault(value: Any) -> str:
    if not isinstance(value, list):
        return f"must be a list, not {_kind_of(value)}"
    if len(value) > MAX_LIST_ITEMS:
        return f"has {len(value)} items; at most {MAX_LIST_ITEMS} are allowed"
    for index, item in enumerate(value):
        check = _text_fault if isinstance(item, str) else _number_fault
        fault = "" if isinstance(item, bool) else check(item)
        if fault:
            return f"item {index} {fault}"
    return ""


_CHECKS = {
    "text": _text_fault,
    "number": _number_fault,
    "boolean": _boolean_fault,
    "list": _list_fault,
}


def _kind_of(value: Any) -> str:
    names = {str: "a text", bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "an object")


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _size(value: Value) -> int:
    if isinstance(value, list):
        return sum(_size(item) for item in value)
    return len(value) if isinstance(value, str) else 16


def _wrong(name: str, fault: str) -> InvalidRequest:
    return InvalidRequest(f"variables.{name} {fault}", param=f"variables.{name}")
