"""What the condition builder of the rule form offers: the engine's fields, in words."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.routing.engine.compile_conditions import MOST_CLAUSES
from apps.routing.engine.conditions import MAX_DEPTH
from apps.routing.engine.fields import FIELDS, HEADER, METADATA, Field, field_named
from apps.routing.vocabulary import GROUPS, VALUES, field_word, operator_word

type Choices = Iterable[tuple[str, str]]

# Which input takes one value of a kind of fact.
INPUTS: Mapping[str, str] = {
    "number": "number",
    "share": "number",
    "time": "time",
    "date": "date",
    "flag": "flag",
}
# Their values are rows of ours: nothing else can be meant.
CLOSED_FIELDS = ("tenant", "project", "api_key", "holiday", "provider_down", "provider_degraded")
# They compare whole values, which can be ticked; the others compare parts of texts.
PICKING_OPERATORS = ("is", "is_not", "has", "has_not", "has_all", "is_in", "is_not_in")
RANGE_OPERATORS = ("between", "not_between")
# Kinds that are compared with one value; the others take one of several.
SINGLE_KINDS = ("number", "share", "time", "flag")


def builder_schema(offered: Mapping[str, Choices], headers: Iterable[str]) -> dict[str, Any]:
    """Return fields with the operators and inputs that fit, groups, limits and the page's words.

    `offered` are choices that only the data base knows, by field. A field of a tenant's choosing
    that is not offered at all, such as `tenant`, is left out unless a stored condition reads it.
    """
    names = [*FIELDS, *(f"{HEADER}{name}" for name in headers)]
    fields = [
        _field(name, field_named(name), offered) for name in names if _is_shown(name, offered)
    ]
    metadata = _field(f"{METADATA}…", field_named(f"{METADATA}…"), offered)
    return {
        "fields": [*fields, {**metadata, "name": METADATA, "label": _("metadata"), "open": True}],
        "groups": [{"name": name, "label": str(label)} for name, label in GROUPS.items()],
        "maxDepth": MAX_DEPTH,
        "mostClauses": MOST_CLAUSES,
        "words": _words(),
    }


def _is_shown(name: str, offered: Mapping[str, Choices]) -> bool:
    return name != "tenant" or "tenant" in offered


def _field(name: str, field: Field | None, offered: Mapping[str, Choices]) -> dict[str, Any]:
    if field is None:
        raise AssertionError("the builder offers the engine's own fields")
    choices = [(value, _choice_word(name, value)) for value in field.choices]
    choices += [(value, label) for value, label in offered.get(name, ())]
    return {
        "name": name,
        "label": field_word(name),
        "input": INPUTS.get(field.kind, "text"),
        "choices": [{"value": value, "label": label} for value, label in choices],
        # Where the engine names the values there are no others.
        "closed": bool(field.choices) or name in CLOSED_FIELDS,
        "operators": [_operator(operator, field.kind) for operator in field.operators],
    }


def _choice_word(name: str, value: str) -> str:
    return str(VALUES.get(name, {}).get(value, value))


def _operator(name: str, kind: str) -> dict[str, Any]:
    """Return an operator with how many values it takes, and whether they are whole ones."""
    if name in RANGE_OPERATORS:
        count = "two"
    elif kind in SINGLE_KINDS or name in ("from", "until"):
        count = "one"
    else:
        count = "many"
    picks = name in PICKING_OPERATORS
    return {"name": name, "label": operator_word(name), "count": count, "picks": picks}


def _words() -> dict[str, str]:
    return {
        "condition": _("Condition"),
        "group": _("Group"),
        "kind": _("How the conditions of this group count"),
        "field": _("Field"),
        "key": _("Name of the metadata"),
        "operator": _("Comparison"),
        "value": _("Value"),
        "values": _("Values, one on each line"),
        "from": _("From"),
        "to": _("To"),
        "yes": _("yes"),
        "no": _("no"),
        "addCondition": _("Add a condition"),
        "addGroup": _("Add a group"),
        "remove": _("Remove"),
        "added": _("Added."),
        "removed": _("Removed."),
        "empty": _("No condition: the rule applies to every request."),
        "asJson": _("The condition as JSON"),
        "broken": _("This JSON is not a condition; correct it here."),
    }
