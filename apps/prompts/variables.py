"""Typed variables of a prompt template: declarations, and values checked against them. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from apps.prompts.faults import FaultKind, PromptFault, ValueFault

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
    """Read declarations as they are stored; raises PromptFault naming the entry and the fix."""
    if not isinstance(records, list) or len(records) > MAX_VARIABLES:
        raise PromptFault(FaultKind.TOO_MANY_VARIABLES, "variables", most=MAX_VARIABLES)
    variables = tuple(_parse(record, index) for index, record in enumerate(records))
    names = [variable.name for variable in variables]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise PromptFault(FaultKind.DECLARED_TWICE, f"variables.{index}.name", name=name)
    return variables


def bind(
    variables: Sequence[Variable], values: Mapping[str, Any], *, ignore_unknown: bool = False
) -> dict[str, Value]:
    """Return a value for every declared variable: the caller's, checked, or the default.

    A rule's template may meet a request whose variables were meant for another template, hence
    `ignore_unknown`. Raises PromptFault naming the variable and the fix.
    """
    known = {variable.name for variable in variables}
    for name in values:
        if name not in known and not ignore_unknown:
            words = {"name": str(name), "declared": sorted(known)}
            raise PromptFault(FaultKind.UNDECLARED, f"variables.{name}", **words)
    bound = {variable.name: _bind_one(variable, values) for variable in variables}
    if sum(_size(value) for value in bound.values()) > MAX_TOTAL_CHARS:
        raise PromptFault(FaultKind.VALUES_TOO_LONG, "variables", most=MAX_TOTAL_CHARS)
    return bound


def _parse(record: Any, index: int) -> Variable:
    at = f"variables.{index}"
    if not isinstance(record, dict):
        raise PromptFault(FaultKind.NO_DECLARATION, at)
    name, kind = record.get("name"), record.get("type", "text")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in RESERVED:
        raise PromptFault(FaultKind.NAME, f"{at}.name")
    if kind not in TYPES:
        raise PromptFault(FaultKind.TYPE, f"{at}.type", allowed=", ".join(TYPES))
    required = record.get("required", True)
    if not isinstance(required, bool):
        raise PromptFault(FaultKind.REQUIRED, f"{at}.required")
    variable = Variable(name, kind, required, record.get("default"))
    _check_default(variable, f"{at}.default")
    return variable


def _check_default(variable: Variable, param: str) -> None:
    if variable.default is None:
        if not variable.required and variable.type not in EMPTY:
            raise PromptFault(FaultKind.NUMBER_WITHOUT_DEFAULT, param, name=variable.name)
        return
    if variable.required:
        raise PromptFault(FaultKind.DEFAULT_OF_REQUIRED, param, name=variable.name)
    _check(variable, variable.default, param, of_default=True)


def _bind_one(variable: Variable, values: Mapping[str, Any]) -> Value:
    value, param = values.get(variable.name), f"variables.{variable.name}"
    if value is None:
        if variable.required:
            words = {"name": variable.name, "type": variable.type}
            raise PromptFault(FaultKind.MISSING, param, **words)
        return _copy(variable.default if variable.default is not None else EMPTY[variable.type])
    return _check(variable, value, param)


def _check(variable: Variable, value: Any, param: str, **words: Any) -> Value:
    fault = _CHECKS[variable.type](value)
    if fault:
        raise PromptFault(fault.kind, param, name=variable.name, **words, **fault.words)
    return _copy(value)


def _copy(value: Value) -> Value:
    """What a template sees is never an object of the caller's, nor of the next request."""
    return list(value) if isinstance(value, list) else value


def _text_fault(value: Any) -> ValueFault | None:
    if not isinstance(value, str):
        return _not(FaultKind.NOT_A_TEXT, value)
    if len(value) > MAX_TEXT_CHARS:
        words = {"count": len(value), "most": MAX_TEXT_CHARS}
        return ValueFault(FaultKind.TEXT_TOO_LONG, words)
    if "\0" in value or not _is_unicode(value):
        return ValueFault(FaultKind.NOT_UNICODE, {})
    return None


def _number_fault(value: Any) -> ValueFault | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _not(FaultKind.NOT_A_NUMBER, value)
    # NaN fails the comparison too, and a huge integer is never made a float.
    if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        return ValueFault(FaultKind.NUMBER_TOO_LARGE, {"most": LARGEST_NUMBER})
    return None


def _boolean_fault(value: Any) -> ValueFault | None:
    return None if isinstance(value, bool) else _not(FaultKind.NOT_A_BOOLEAN, value)


def _list_fault(value: Any) -> ValueFault | None:
    if not isinstance(value, list):
        return _not(FaultKind.NOT_A_LIST, value)
    if len(value) > MAX_LIST_ITEMS:
        words = {"count": len(value), "most": MAX_LIST_ITEMS}
        return ValueFault(FaultKind.TOO_MANY_ITEMS, words)
    for index, item in enumerate(value):
        check = _text_fault if isinstance(item, str) else _number_fault
        fault = None if isinstance(item, bool) else check(item)
        if fault:
            return ValueFault(fault.kind, {"item": index, **fault.words})
    return None


_CHECKS = {
    "text": _text_fault,
    "number": _number_fault,
    "boolean": _boolean_fault,
    "list": _list_fault,
}


def _not(kind: FaultKind, value: Any) -> ValueFault:
    names = {str: "text", bool: "boolean", int: "number", float: "number", list: "list"}
    return ValueFault(kind, {"given": names.get(type(value), "object")})


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
