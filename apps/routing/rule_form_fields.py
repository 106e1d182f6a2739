"""Between a rule's condition tree and the plain fields of its form. Pure.

The form covers trees of the shape `{"all": [clause, …]}` with each of its fields once; any
other tree (made through the API) is kept and shown, never rewritten by a form that cannot show it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LISTS = {
    "requested_models": ("requested_model", "is"),
    "projects": ("project", "is"),
    "tenants": ("tenant", "is"),
    "tags": ("tag", "has"),
    "needs": ("needs", "has_all"),
}
LOWEST = ("prompt_tokens", "at_least")
HIGHEST = ("prompt_tokens", "at_most")


@dataclass(frozen=True, slots=True)
class PlainConditions:
    """What the form shows; an empty field does not restrict."""

    requested_models: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    fewest_prompt_tokens: int | None = None
    most_prompt_tokens: int | None = None


def to_tree(plain: PlainConditions) -> dict[str, Any]:
    """Return the tree of the form's fields; an empty form matches every request."""
    clauses = [
        {"field": field, "operator": operator, "value": list(getattr(plain, name))}
        for name, (field, operator) in LISTS.items()
        if getattr(plain, name)
    ]
    if plain.fewest_prompt_tokens is not None:
        clauses.append(_clause(LOWEST, plain.fewest_prompt_tokens))
    if plain.most_prompt_tokens is not None:
        clauses.append(_clause(HIGHEST, plain.most_prompt_tokens))
    return {"all": clauses} if clauses else {}


def to_plain(tree: Mapping[str, Any]) -> PlainConditions | None:
    """Return the form's fields of a tree; None when the form cannot show it."""
    if not tree:
        return PlainConditions()
    clauses = tree.get("all")
    if set(tree) != {"all"} or not isinstance(clauses, list):
        return None
    found: dict[str, Any] = {}
    for clause in clauses:
        name, value = _plain_field(clause)
        if not name or name in found:
            return None
        found[name] = value
    return PlainConditions(**found)


def _plain_field(clause: Mapping[str, Any]) -> tuple[str, Any]:
    shape = (clause.get("field"), clause.get("operator"))
    value = clause.get("value")
    for name, wanted in LISTS.items():
        if shape == wanted:
            values = value if isinstance(value, list) else [value]
            return name, tuple(str(item) for item in values)
    if isinstance(value, int) and shape == LOWEST:
        return "fewest_prompt_tokens", value
    if isinstance(value, int) and shape == HIGHEST:
        return "most_prompt_tokens", value
    return "", None


def _clause(shape: tuple[str, str], value: int) -> dict[str, Any]:
    return {"field": shape[0], "operator": shape[1], "value": value}
