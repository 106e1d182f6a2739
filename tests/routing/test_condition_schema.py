"""What the condition builder offers: every field, the operators that fit, and how many values."""

from typing import Any

import pytest
from django.utils.translation import override

from apps.routing.condition_schema import builder_schema
from apps.routing.draft_checks.conditions import check_condition
from apps.routing.engine.fields import FIELDS, METADATA, field_named
from apps.routing.headers import DEFAULT_HEADERS
from apps.routing.vocabulary import FIELDS as FIELD_WORDS
from apps.routing.vocabulary import OPERATORS, VALUES

SAMPLES: dict[str, Any] = {
    "number": 5,
    "time": "08:00",
    "date": "2026-12-31",
    "flag": True,
    "text": "x",
}


def offered() -> dict[str, dict[str, Any]]:
    tenants = {"tenant": [("acme", "Acme")]}
    return {field["name"]: field for field in builder_schema(tenants, DEFAULT_HEADERS)["fields"]}


def test_fields__of_the_engine__are_all_offered_with_headers_and_metadata() -> None:
    headers = {f"header.{name}" for name in DEFAULT_HEADERS}
    assert set(offered()) == {*FIELDS, *headers, METADATA}


@pytest.mark.parametrize("name", sorted(offered()))
def test_operators__of_a_field__are_those_that_fit_and_take_the_values_shown(name: str) -> None:
    field = offered()[name]
    read = f"{name}plan" if field.get("open") else name
    known = field_named(read)
    assert known is not None
    assert [operator["name"] for operator in field["operators"]] == list(known.operators)
    for operator in field["operators"]:
        value = field["choices"][0]["value"] if field["choices"] else SAMPLES[field["input"]]
        values = {"one": value, "two": [value, value], "many": [value]}[operator["count"]]
        # What the builder writes, the engine takes.
        check_condition({"all": [{"field": read, "operator": operator["name"], "value": values}]})


def test_words__of_the_builder__are_there_for_every_field_operator_and_value() -> None:
    assert set(FIELD_WORDS) == set(FIELDS)
    assert set(OPERATORS) == {name for field in FIELDS.values() for name in field.operators}
    assert {name: set(field.choices) for name, field in FIELDS.items() if field.choices} == {
        name: set(words) for name, words in VALUES.items()
    }


def test_words__in_portuguese__are_portuguese() -> None:
    with override("pt-br"):
        labels = {name: field["label"] for name, field in offered().items()}
    assert labels["time_of_day"] == "horário"
    assert labels["header.x-team"] == "cabeçalho: x-team"
